"""The adjoint's grid: as fine as the sampler's, coarser, or finer.

A node between two of the sampler's has a fraction f, from 0 at the noisier to 1 at the cleaner one, linear in rho:

    rho = rho_i + f (rho_{i+1} - rho_i),    x / alpha = (1 - f) x_i / alpha_i + f x_{i+1} / alpha_{i+1}

because x / alpha is linear in rho wherever the network's eps is constant.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor

from adjointdeis.schedule import Grid
from adjointdeis.shapes import State


class Place(NamedTuple):
    """The place of a node on the sampler's grid: in step i, with the fraction 0 <= f < 1 from node i to node i + 1."""

    i: int
    f: float


@dataclass(frozen=True)
class AdjointGrid:
    """The nodes, and the place of each on the sampler's grid.

    Args:
        nodes: M + 1 nodes, the first and the last those of the sampler's grid.
        places: one a node.
        sampler: the sampler's grid, N + 1 nodes.
    """

    nodes: Grid
    places: tuple[Place, ...]
    sampler: Grid

    def state(self, j: int, states: Sequence[Tensor]) -> State:
        """x at node j, from the sampler's states."""
        i, f = self.places[j]
        if f == 0:
            return states[i]
        near, far = (1 - f) / self.sampler.alpha[i], f / self.sampler.alpha[i + 1]
        return self.nodes.alpha[j] * (near * states[i] + far * states[i + 1])

    def step_before(self, j: int) -> int:
        """The sampler's step that ends at node j, or contains it."""
        i, f = self.places[j]
        return i if f > 0 else i - 1

    def shares(self, j: int) -> list[tuple[int, float]]:
        """The sampler's steps that adjoint step j (between nodes j and j + 1) covers, each with its share in rho."""
        noisy, clean = self.nodes.rho[j], self.nodes.rho[j + 1]
        rho = self.sampler.rho
        steps = range(self.places[j].i, self.step_before(j + 1) + 1)
        return [(i, (min(rho[i], noisy) - max(rho[i + 1], clean)) / (noisy - clean)) for i in steps]

    def passed(self, j: int) -> list[tuple[int, float]]:
        """The sampler's nodes within adjoint step j, its clean end among them, each with its distance from there.

        The distance is a share of the step in rho, 0 <= share < 1.
        """
        noisy, clean = self.nodes.rho[j], self.nodes.rho[j + 1]
        first = self.places[j].i + 1
        last = self.places[j + 1].i
        return [(i, (self.sampler.rho[i] - clean) / (noisy - clean)) for i in range(first, last + 1)]


Time = Callable[[float], float]
"""lambda -> the time of the network call there, such as LinearVP().time or time_from_scheduler(scheduler)."""


def adjoint_grid(sampler: Grid, steps: int | Grid | None, time: Time | None = None) -> AdjointGrid:
    """The grid of M steps on a sampler's grid of N.

    Args:
        sampler: the sampler's grid; alpha > 0 everywhere.
        steps: M, every N/M-th node of the sampler's grid, and where N/M is no whole number, nodes between its nodes,
            with a fractional time; or another grid; or None for the sampler's.
        time: the network's time between the sampler's nodes; interpolated from theirs if None.

    Raises:
        ValueError: M < 1, or a grid that does not begin and end where the sampler's does.
    """
    if steps is None or steps == sampler.steps or steps == sampler:
        return AdjointGrid(sampler, tuple(Place(i, 0.0) for i in range(sampler.steps + 1)), sampler)
    if isinstance(steps, Grid):
        return _placed(sampler, steps)
    if steps < 1:
        raise ValueError(f"steps must be at least 1; got {steps}.")
    interpolated = _Times(sampler)
    rho, found, places = sampler.rho, [], []
    for j in range(steps + 1):
        i, rest = divmod(j * sampler.steps, steps)
        if rest == 0:
            found.append((sampler.times[i], sampler.alpha[i], sampler.sigma[i]))
            places.append(Place(i, 0.0))
            continue
        # asinh(rho) is rho near the image and -lambda near the noise: even steps in either case
        rho_j = math.sinh(_mix(math.asinh(rho[i]), math.asinh(rho[i + 1]), rest / steps))
        f = (rho_j - rho[i]) / (rho[i + 1] - rho[i])
        alpha = _alpha(sampler, rho_j, i, f)
        time_j = interpolated.at(rho_j) if time is None else time(-math.log(rho_j))
        found.append((time_j, alpha, alpha * rho_j))
        places.append(Place(i, f))
    return AdjointGrid(Grid(*map(tuple, zip(*found, strict=True))), tuple(places), sampler)


def _placed(sampler: Grid, nodes: Grid) -> AdjointGrid:
    """The places of a given grid."""
    for end in (0, -1):
        if not math.isclose(nodes.rho[end], sampler.rho[end], rel_tol=1e-6, abs_tol=1e-9):
            raise ValueError(
                f"The adjoint's grid must begin and end where the sampler's does, at sigma/alpha = "
                f"{sampler.rho[0]:.6g} and {sampler.rho[-1]:.6g}; got {nodes.rho[0]:.6g} and {nodes.rho[-1]:.6g}."
            )
    places = [Place(0, 0.0)]
    rising = [-rho for rho in sampler.rho]
    for rho in nodes.rho[1:-1]:
        i = bisect_right(rising, -rho * (1 - 1e-9)) - 1
        f = (sampler.rho[i] - rho) / (sampler.rho[i] - sampler.rho[i + 1])
        places.append(Place(i, f if f > 1e-9 else 0.0))
    return AdjointGrid(nodes, (*places, Place(sampler.steps, 0.0)), sampler)


def _alpha(grid: Grid, rho: float, i: int, f: float) -> float:
    """alpha at a rho between nodes i and i + 1: exact for flow and variance-preserving grids, else interpolated."""
    if grid.has_unit_sum(1):
        return 1 / (1 + rho)
    if grid.has_unit_sum(2):
        return 1 / math.hypot(1, rho)
    return _mix(grid.alpha[i], grid.alpha[i + 1], f)


class _Times:
    """Times between nodes: linear in sigma for a flow; else a monotone cubic in asinh(rho) (Fritsch & Carlson 1980),
    since the formula behind the nodes' times is not known here.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid, self._straight = grid, grid.has_unit_sum(1)
        self._s = [-self._of(rho) for rho in grid.rho]  # rising
        gaps = [b - a for a, b in pairwise(self._s)]
        slopes = [(b - a) / gap for (a, b), gap in zip(pairwise(grid.times), gaps, strict=True)]
        # weighted harmonic means keep the curve monotone
        inner = [
            0.0 if p * q <= 0 else (u + v) * 1.5 / ((u / 2 + v) / p + (u + v / 2) / q)
            for (p, q), (u, v) in zip(pairwise(slopes), pairwise(gaps), strict=True)
        ]
        self._slopes = [_end(gaps, slopes), *inner, _end(gaps[::-1], slopes[::-1])]

    def _of(self, rho: float) -> float:
        return rho / (1 + rho) if self._straight else math.asinh(rho)

    def at(self, rho: float) -> float:
        s = -self._of(rho)
        i = min(bisect_right(self._s, s), len(self._s) - 1) - 1
        gap = self._s[i + 1] - self._s[i]
        u, start, end = (s - self._s[i]) / gap, self._grid.times[i], self._grid.times[i + 1]
        if self._straight:
            return _mix(start, end, u)
        bend = gap * (self._slopes[i] * (1 - u) - self._slopes[i + 1] * u) - (end - start) * (1 - 2 * u)
        return _mix(start, end, u) + u * (1 - u) * bend


def _end(gaps: list[float], slopes: list[float]) -> float:
    """The slope at the first node: that of a parabola through three nodes, or 0 where its sign is the other one."""
    if len(gaps) == 1:
        return slopes[0]
    found = ((2 * gaps[0] + gaps[1]) * slopes[0] - gaps[0] * slopes[1]) / (gaps[0] + gaps[1])
    return found if found * slopes[0] > 0 else 0.0


def _mix(a: float, b: float, f: float) -> float:
    return a + f * (b - a)
