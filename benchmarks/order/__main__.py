"""How fast do samplers and gradients converge? `python -m benchmarks.order`

Every sampler's image, and every gradient method's dL/dx_T and dL/dz, against the exact flow of a mixture of Gaussians
whose score is the network (float64), over the number of steps N. The truth is torchdiffeq's dopri8 at a tolerance of
1e-12. The grid is uniform in lambda, from t = 1 to t = 0.1. An SDE's error is that of its path: all N share one
Brownian path (the median of 64 is shown), and the truth is the same sampler at eight times the most steps.

Writes docs/orders.md (the table, with slopes fitted to the last three N) and, where matplotlib is installed,
docs/orders.svg.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adjointdeis import (
    ContinuousAdjoint,
    DiscreteAdjoint,
    GradientMethod,
    Grid,
    LinearVP,
    OffTheShelf,
    Reversible,
    Sampler,
    SubgridAdjoint,
    Unrolled,
    sample,
)
from benchmarks.worlds import Mixture, Problem, mixture, normal, problem, relative_error

PATHS = 64  # of an SDE; the median's, because a few paths hesitate between two modes for long
STEPS = (20, 40, 80, 160, 320)
DOCS = Path(__file__).resolve().parent.parent / "docs"
CLOCK = LinearVP().time
END = 0.1

# name, arguments of Sampler.from_grid, stated order
SAMPLERS: dict[str, tuple[dict[str, Any], float]] = {
    "DDIM = DPM-Solver-1": ({}, 1),
    "DPM-Solver-2M": ({"order": 2}, 2),
    "DEIS-2": ({"order": 2, "multistep": "exact"}, 2),
    "DPM-Solver++(2M)": ({"order": 2, "family": "data"}, 2),
    "DPM-Solver++(2M), exact": ({"order": 2, "family": "data", "multistep": "exact"}, 2),
    "UniPC-1": ({"family": "data", "multistep": "unipc-bh2"}, 2),
    "UniPC-2": ({"order": 2, "family": "data", "multistep": "unipc-bh2"}, 3),
    "flow, Euler": ({"family": "flow"}, 1),
    "flow, Adams-Bashforth 2": ({"order": 2, "family": "flow"}, 2),
    "SDE-DPM-Solver-1": ({"sde": True}, 1),
    "SDE-DPM-Solver++(1)": ({"sde": True, "family": "data"}, 1),
    "SDE-DPM-Solver++(2M)": ({"sde": True, "family": "data", "order": 2}, 1),
}

# name, method (or method by N), arguments of the sampler it differentiates, stated order
METHODS: dict[str, tuple[GradientMethod | Callable[[int], GradientMethod], dict[str, Any], float]] = {
    "Unrolled, DDIM": (Unrolled(), {}, 1),
    "DiscreteAdjoint, DDIM": (DiscreteAdjoint(), {}, 1),
    "DiscreteAdjoint, DPM-Solver-2M": (DiscreteAdjoint(), {"order": 2}, 2),
    "DiscreteAdjoint, DEIS-2": (DiscreteAdjoint(), {"order": 2, "multistep": "exact"}, 2),
    "DiscreteAdjoint, DPM-Solver++(2M)": (DiscreteAdjoint(), {"order": 2, "family": "data"}, 2),
    "DiscreteAdjoint, UniPC-2": (DiscreteAdjoint(), SAMPLERS["UniPC-2"][0], 3),
    "SubgridAdjoint, M = N / 2, DDIM": (lambda n: SubgridAdjoint(n // 2), {}, 1),
    "AdjointDEIS-1 over DDIM": (ContinuousAdjoint(order=1), {}, 1),
    "AdjointDEIS-2M over DDIM": (ContinuousAdjoint(order=2), {}, 1),
    "AdjointDEIS-2M over DPM-Solver-2M": (ContinuousAdjoint(order=2), {"order": 2}, 2),
    "Reversible, coupling 1": (Reversible(1.0), {}, 1),
    "Reversible, coupling 0.97": (Reversible(), {}, 1),
    "OffTheShelf, Euler": (OffTheShelf("euler", time=CLOCK), {}, 1),
    "OffTheShelf, midpoint": (OffTheShelf("midpoint", time=CLOCK), {}, 2),
    "OffTheShelf, rk4": (OffTheShelf("rk4", time=CLOCK), {}, 4),
    "OffTheShelf, midpoint, adjoint": (OffTheShelf("midpoint", adjoint=True, time=CLOCK), {}, 2),
}


@dataclass(frozen=True)
class Curve:
    """Errors of one thing over N, and the order it is said to have."""

    name: str
    steps: tuple[int, ...]
    errors: tuple[float, ...]
    order: float

    @property
    def slope(self) -> float:
        """The power of 1 / N that fits the last three errors best."""
        x = [math.log(n) for n in self.steps[-3:]]
        y = [math.log(e) for e in self.errors[-3:]]
        mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
        covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
        return -covariance / sum((a - mean_x) ** 2 for a in x)


def curved(steps: int) -> Grid:
    """N steps, uniform in lambda."""
    return LinearVP().uniform_log_snr(steps, end=END)


def straight(steps: int) -> Grid:
    """N steps of flow matching, uniform in t, from 0.99 to 0.05."""
    times = [0.99 - 0.94 * i / steps for i in range(steps + 1)]
    return Grid(tuple(times), tuple(1 - t for t in times), tuple(times))


def of_flow(given: Problem) -> Problem:
    """The same mixture on the straight schedule."""
    assert isinstance(given.model, Mixture)
    return replace(given, model=replace(given.model, schedule=lambda t: (1 - t, t)))


def truth(given: Problem, grid: Grid) -> dict[str, Tensor]:
    """Image and gradients of the exact flow."""
    ends = Grid(grid.times[:: grid.steps], grid.alpha[:: grid.steps], grid.sigma[:: grid.steps])
    clock = CLOCK if grid.alpha[0] ** 2 + grid.sigma[0] ** 2 > 0.999 else lambda log_snr: 1 / (1 + math.exp(log_snr))
    method = OffTheShelf("dopri8", rtol=1e-12, atol=1e-12, time=clock)
    found = method.value_and_grad(given.model, Sampler.from_grid(ends), given.x_T, given.z, given.loss_fn)
    return {"image": found.image, **found.grads}


def of_samplers(given: Problem, names: Sequence[str], steps: tuple[int, ...]) -> Iterator[Curve]:
    """The error of every sampler's image."""
    exact: dict[bool, Tensor] = {}
    for name in names:
        arguments, order = SAMPLERS[name]
        if arguments.get("sde"):
            yield Curve(name, steps, tuple(of_path(given, arguments, steps)), order)
            continue
        flow = arguments.get("family") == "flow"
        here, grid = (of_flow(given), straight) if flow else (given, curved)
        if flow not in exact:
            exact[flow] = truth(here, grid(steps[0]))["image"]
        images = (last(here, Sampler.from_grid(grid(n), **arguments)) for n in steps)
        yield Curve(name, steps, tuple(relative_error(image, exact[flow]) for image in images), order)


def of_path(given: Problem, arguments: dict[str, Any], steps: tuple[int, ...]) -> Iterator[float]:
    """The error of an SDE sampler along one Brownian path.

    The noise of a step is the path's increment over it, over its standard deviation. The path's clock is the one in
    which the family's noise is Brownian: rho^2 in the noise family, e^(2 lambda) in the data family.
    """
    finest, given = 8 * steps[-1], problem(given.model, batch=PATHS)
    power = -2 if arguments.get("family", "noise") == "noise" else 2
    clock = [math.exp(power * value) for value in curved(finest).log_snr]
    lengths = torch.tensor([abs(b - a) for a, b in itertools.pairwise(clock)], dtype=torch.float64)
    increments = lengths.sqrt().view(-1, 1, 1, 1, 1) * normal(finest, *given.x_T.shape, seed=9)

    def image(n: int) -> Tensor:
        over = increments.view(n, finest // n, *given.x_T.shape).sum(1)
        noises = over / lengths.view(n, finest // n).sum(1).sqrt().view(-1, 1, 1, 1, 1)
        return last(given, Sampler.from_grid(curved(n), **arguments), noises)

    exact = image(finest)
    for n in steps:
        off = (image(n) - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)
        yield float(off.median())


def of_methods(given: Problem, names: Sequence[str], steps: tuple[int, ...]) -> Iterator[tuple[Curve, Curve]]:
    """The errors of every method's gradients with respect to x_T and z."""
    exact = truth(given, curved(steps[0]))
    for name in names:
        method, arguments, order = METHODS[name]
        errors: dict[str, list[float]] = {"x_T": [], "z": []}
        for n in steps:
            sampler = Sampler.from_grid(curved(n), **arguments)
            here = method if isinstance(method, GradientMethod) else method(n)
            grads = here.value_and_grad(given.model, sampler, given.x_T, given.z, given.loss_fn).grads
            for variable, values in errors.items():
                values.append(relative_error(grads[variable], exact[variable]))
        yield Curve(name, steps, tuple(errors["x_T"]), order), Curve(name, steps, tuple(errors["z"]), order)


@torch.no_grad()
def last(given: Problem, sampler: Sampler, noises: Tensor | None = None) -> Tensor:
    """The image."""
    *_, image = sample(given.model, sampler, given.x_T, given.z, noises)
    return image


def as_table(images: Sequence[Curve], gradients: Sequence[tuple[Curve, Curve]]) -> str:
    """docs/orders.md."""
    first, final = images[0].steps[0], images[0].steps[-1]
    lines = [
        "# Orders of convergence",
        "",
        "Measured by `python -m benchmarks.order`, which says how; plotted in [orders.svg](orders.svg). Errors are",
        "relative, slopes are fitted to the last three numbers of steps: error ~ N^-slope.",
        "",
        "## Images, by sampler",
        "",
        f"| sampler | error at N = {first} | N = {final} | slope | stated order |",
        "|---|---|---|---|---|",
        *(f"| {c.name} | {c.errors[0]:.1e} | {c.errors[-1]:.1e} | {c.slope:.2f} | {c.order:g} |" for c in images),
        "",
        "An SDE's error is its path's (the median), for which all of these are of order 1. UniPC-p's corrector makes",
        "its order p + 1.",
        "",
        "## Gradients, by method",
        "",
        "Against the gradient of the exact flow. Unrolled, DiscreteAdjoint and Reversible are exact for the image that",
        "their sampler makes at every N; what is left here is that image's own distance from the flow.",
        "",
        f"| method | x_T: N = {first} | N = {final} | slope | z: N = {first} | N = {final} | slope | stated order |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {x.name} | {x.errors[0]:.1e} | {x.errors[-1]:.1e} | {x.slope:.2f} | {z.errors[0]:.1e} | "
            f"{z.errors[-1]:.1e} | {z.slope:.2f} | {x.order:g} |"
            for x, z in gradients
        ),
        "",
        "Reversible with a coupling c below 1 shows its order only where steps are much shorter than 1 - c in lambda,",
        "far beyond these N; until then its error falls at first and then hardly changes. AdjointDEIS-2M keeps order 2",
        "only over the states of a second-order sampler.",
        "",
    ]
    return "\n".join(lines)


def plot(panels: dict[str, Sequence[Curve]], path: Path) -> None:
    """One panel a kind of error, N across and the error upwards, both logarithmic; the colour is the stated order."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams |= {"svg.hashsalt": "orders", "svg.fonttype": "none", "font.size": 8}
    colours = {1.0: "#c2571a", 2.0: "#1f6f9f", 3.0: "#4d8b31", 4.0: "#7a4fa3"}
    figure, axes = pyplot.subplots(1, len(panels), figsize=(4.6 * len(panels), 5))
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        for order, colour in colours.items():
            those = [curve for curve in curves if curve.order == order]
            for curve, dash in zip(those, _dashes(), strict=False):
                axis.loglog(curve.steps, curve.errors, color=colour, label=curve.name, lw=1.2, ms=3, **dash)
        axis.set(title=title, xlabel="steps N", ylabel="relative error")
        axis.set_xticks(curves[0].steps, [str(n) for n in curves[0].steps])
        axis.minorticks_off()
        axis.grid(alpha=0.25)
        axis.legend(fontsize=6, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=2, frameon=False)
    figure.suptitle("stated order: 1 orange, 2 blue, 3 green, 4 violet", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)


def _dashes() -> Iterator[dict[str, str]]:
    for marker in "os^vD":
        yield {"ls": "-", "marker": marker}
        yield {"ls": "--", "marker": marker}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=list(STEPS))
    parser.add_argument("--out", type=Path, default=DOCS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    given, steps = problem(mixture()), tuple(options.steps)
    report: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731 - one word for progress
    images, gradients = [], []
    for curve in of_samplers(given, list(SAMPLERS), steps):
        report(f"{curve.name:40s} {curve.slope:5.2f}")
        images.append(curve)
    for pair in of_methods(given, list(METHODS), steps):
        report(f"{pair[0].name:40s} {pair[0].slope:5.2f} {pair[1].slope:5.2f}")
        gradients.append(pair)
    options.out.mkdir(exist_ok=True)
    (options.out / "orders.md").write_text(as_table(images, gradients), encoding="utf-8")
    try:
        plot(
            {"images": images, "dL/dx_T": [x for x, _ in gradients], "dL/dz": [z for _, z in gradients]},
            options.out / "orders.svg",
        )
    except ModuleNotFoundError as missing:
        report(f"No plot: {missing}. Run `pip install matplotlib` for one.")


if __name__ == "__main__":
    main()
