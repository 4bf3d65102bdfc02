"""Which reversible sampler is the most accurate? `python -m benchmarks.reversible`

The published schemes (schemes.py) on a first-order step, for four networks with known score: a Gaussian mixture, one
with a small standard deviation (0.1), and the first with guidance of scale 7.5. From t = 1 to t = 0.001 in steps
uniform in lambda, with guidance also uniform in t. All values are relative errors:

    image       of the scheme's image, compared with that of the exact flow
    round trip  of x_T after sampling and inverting: state and network in float32, the network alone in float32, both in
                float64
    gradient    of dL/dx_T and dL/dz with states recomputed backwards, compared with automatic differentiation with all
                states stored, with network and states in float64

Writes docs/reversible.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adjointdeis import LinearVP, OffTheShelf, Sampler
from benchmarks.gaussian_mixture import problem
from benchmarks.page_options import page_options
from benchmarks.reversible.measure import PROBLEMS, calls, measure
from benchmarks.reversible.schemes import SCHEMES

STEPS = (10, 20, 50)


def tables(names: Sequence[str], schemes: Sequence[str], steps: Sequence[int]) -> Iterator[str]:
    """The lines of docs/reversible.md."""
    yield "# Reversible samplers"
    yield ""
    yield "Measured by `python -m benchmarks.reversible`, whose help describes the method; relative errors."
    yield "`Reversible` is the coupling in the data family with a state in float64. `single`: state and network in"
    yield "float32; `mixed`: state in float64, network in float32; `double`: both in float64."
    for title in names:
        network, grid = PROBLEMS[title]
        given = problem(network, batch=8)
        truth = OffTheShelf("dopri8", rtol=1e-10, atol=1e-10, time=LinearVP().time)
        *_, flow = truth.sample(network, Sampler.from_grid(grid(10)), given.x_T, given.z)
        yield from ("", f"## {title[0].upper()}{title[1:]}", "")
        yield "| scheme | N | calls | image | round trip, single | mixed | double | gradient, mixed | double |"
        yield "|---|---|---|---|---|---|---|---|---|"
        for name in schemes:
            for n in steps:
                cells = " | ".join(f"{e:.0e}" for e in measure(SCHEMES[name], given, grid(n), flow.detach()))
                yield f"| {name} | {n} | {calls(SCHEMES[name], n)} | {cells} |"
    yield ""


def main() -> None:
    options = page_options("benchmarks.reversible", __doc__, STEPS)
    lines = []
    for line in tables(list(PROBLEMS), list(SCHEMES), options.steps):
        print(line, flush=True)
        lines.append(line)
    (options.out / "reversible.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
