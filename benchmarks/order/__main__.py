"""At which order do samplers and gradients converge? `python -m benchmarks.order`

The errors of every sampler's image, and of dL/dx_T and dL/dz by every gradient method, over the number of steps N. The
reference is the exact flow of a Gaussian mixture whose score is the network (float64), by torchdiffeq's dopri8 at a
tolerance of 1e-12. The grid is uniform in lambda, from t = 1 to t = 0.1. For an SDE the error is that of its path: all
N use the same Brownian paths, the reference is the same sampler with eight times the largest N, and the median over 64
paths is shown.

Writes docs/orders.md (a table with slopes fitted to the last three N) and, if matplotlib is installed, docs/orders.svg.
"""

from __future__ import annotations

from benchmarks.gaussian_mixture import mixture, problem
from benchmarks.order.curves import of_methods, of_samplers
from benchmarks.order.methods import METHODS, SAMPLERS
from benchmarks.order.page import as_table, plot
from benchmarks.page_options import page_options

STEPS = (20, 40, 80, 160, 320)


def main() -> None:
    options = page_options("benchmarks.order", __doc__, STEPS)
    given, steps = problem(mixture()), tuple(options.steps)
    images, gradients = [], []
    for curve in of_samplers(given, list(SAMPLERS), steps):
        print(f"{curve.name:40s} {curve.slope:5.2f}", flush=True)
        images.append(curve)
    for x, z in of_methods(given, list(METHODS), steps):
        print(f"{x.name:40s} {x.slope:5.2f} {z.slope:5.2f}", flush=True)
        gradients.append((x, z))
    (options.out / "orders.md").write_text(as_table(images, gradients), encoding="utf-8")
    panels = {"images": images, "dL/dx_T": [x for x, _ in gradients], "dL/dz": [z for _, z in gradients]}
    try:
        plot(panels, options.out / "orders.svg")
    except ModuleNotFoundError as missing:
        print(f"No plot: {missing}. Run `pip install matplotlib`.")


if __name__ == "__main__":
    main()
