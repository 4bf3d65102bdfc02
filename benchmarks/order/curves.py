"""Errors over the number of steps, compared with the exact flow of a Gaussian mixture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from adjointdeis import GradientMethod, Grid, LinearVP, OffTheShelf, Sampler, sample
from benchmarks.gaussian_mixture import Mixture, Problem, normal, problem, relative_error
from benchmarks.order.methods import CLOCK, METHODS, SAMPLERS

PATHS = 64  # Brownian paths of an SDE; the median over them is robust to paths that switch modes late
END = 0.1


@dataclass(frozen=True)
class Curve:
    """The errors of a sampler or gradient over N, and its stated order."""

    name: str
    steps: tuple[int, ...]
    errors: tuple[float, ...]
    order: float

    @property
    def slope(self) -> float:
        """p of the fit error ~ N^-p to the last three errors."""
        x = [math.log(n) for n in self.steps[-3:]]
        y = [math.log(e) for e in self.errors[-3:]]
        mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
        covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
        return -covariance / sum((a - mean_x) ** 2 for a in x)


def curved(steps: int) -> Grid:
    """A grid of N steps, uniform in lambda."""
    return LinearVP().uniform_log_snr(steps, end=END)


def straight(steps: int) -> Grid:
    """A flow-matching grid of N steps, uniform in t, from 0.99 to 0.05."""
    times = [0.99 - 0.94 * i / steps for i in range(steps + 1)]
    return Grid(tuple(times), tuple(1 - t for t in times), tuple(times))


def of_flow(given: Problem) -> Problem:
    """The problem with the schedule of flow matching."""
    assert isinstance(given.model, Mixture)
    return replace(given, model=replace(given.model, schedule=lambda t: (1 - t, t)))


def truth(given: Problem, grid: Grid) -> dict[str, Tensor]:
    """Image and gradients of the exact flow between the ends of a grid."""
    ends = Grid(grid.times[:: grid.steps], grid.alpha[:: grid.steps], grid.sigma[:: grid.steps])
    clock = CLOCK if grid.alpha[0] ** 2 + grid.sigma[0] ** 2 > 0.999 else lambda log_snr: 1 / (1 + math.exp(log_snr))
    method = OffTheShelf("dopri8", rtol=1e-12, atol=1e-12, time=clock)
    found = method.value_and_grad(given.model, Sampler.from_grid(ends), given.x_T, given.z, given.loss_fn)
    return {"image": found.image, **found.grads}


def of_samplers(given: Problem, names: Sequence[str], steps: tuple[int, ...]) -> Iterator[Curve]:
    """The errors of the images of some of `SAMPLERS`."""
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
    """The errors of an SDE sampler, the median over Brownian paths.

    The noise of a step is the path's increment over the step, divided by its standard deviation. The time of the path
    is rho^2 in the noise family and e^(2 lambda) in the data family.
    """
    finest, given = 8 * steps[-1], problem(given.model, batch=PATHS)
    power = -2 if arguments.get("family", "noise") == "noise" else 2
    clock = [math.exp(power * value) for value in curved(finest).log_snr]
    lengths = torch.tensor([abs(b - a) for a, b in itertools.pairwise(clock)], dtype=torch.float64)
    increments = lengths.sqrt().view(-1, 1, 1, 1, 1) * normal(finest, *given.x_T.shape, seed=9)

    def image(n: int) -> Tensor:
        sums = increments.view(n, finest // n, *given.x_T.shape).sum(1)
        noises = sums / lengths.view(n, finest // n).sum(1).sqrt().view(-1, 1, 1, 1, 1)
        return last(given, Sampler.from_grid(curved(n), **arguments), noises)

    exact = image(finest)
    for n in steps:
        off = (image(n) - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)
        yield float(off.median())


def of_methods(given: Problem, names: Sequence[str], steps: tuple[int, ...]) -> Iterator[tuple[Curve, Curve]]:
    """The errors of dL/dx_T and of dL/dz by some of `METHODS`."""
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
    """The sampled image."""
    *_, image = sample(given.model, sampler, given.x_T, given.z, noises)
    return image
