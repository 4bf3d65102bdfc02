"""The states that the continuous adjoint needs, from the image to the noise.

Stored: those of the sampler. Resolved: solved for again, backwards, from the image alone, without storing any;
with h = lambda_s - lambda_t < 0 and eps taken at the cleaner end t,

    x_s = (alpha_s / alpha_t) x_t - sigma_s (e^h - 1) eps_t                       DDIM inversion
        with eps_t + (eps_t - eps_r) / (2 rho) in the place of eps_t              DPM-Solver-2M, backwards
    x_s = (alpha_s / alpha_t) (x_t - W_i eps_t - D_i w_i)                         the SDE's step i, with its noise

where every row of a sampler can be written x_t = (alpha_t / alpha_s) x_s + W_i eps_s + D_i w_i. The adjoint needs the
same eps, so no network call is added. These states differ from the sampler's by the error of the inversion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from torch import Tensor

from adjointdeis.denoiser import Prediction, to_eps
from adjointdeis.gradients.adjoint_grid import AdjointGrid
from adjointdeis.sampler import Row, Sampler
from adjointdeis.schedule import Grid
from adjointdeis.shapes import Noises, State


@runtime_checkable
class Trajectory(Protocol):
    """States at the adjoint's nodes, from the cleanest to the noisiest."""

    def at(self, j: int) -> State:
        """x at node j."""

    def step_back(self, j: int, eps: State) -> None:
        """Prepare x at node j, given eps at node j + 1."""


class Stored:
    """The sampler's states, interpolated between its nodes."""

    def __init__(self, grid: AdjointGrid, path: Iterator[State]) -> None:
        self.grid, self.states = grid, list(path)
        self.image = self.states[-1]

    def at(self, j: int) -> State:
        """x at node j."""
        return self.grid.state(j, self.states)

    def step_back(self, j: int, eps: State) -> None:
        """All states are stored."""


class Resolved:
    """States solved for again, backwards.

    Raises:
        ValueError: an SDE on another grid than the sampler's, to which its noises belong.
    """

    def __init__(
        self, grid: AdjointGrid, path: Iterator[State], sampler: Sampler, noises: Noises | None, order: int
    ) -> None:
        if sampler.sde and grid.nodes != sampler.grid:
            raise ValueError(
                f"An SDE's noises belong to its {sampler.steps} steps; use trajectory='stored', or leave steps out."
            )
        self.grid, self.sampler, self.noises, self.order = grid, sampler, noises, order
        for x in path:
            self.image = x
        self.x, self.eps_r = self.image, None

    def at(self, j: int) -> State:
        """x at node j."""
        return self.x

    x: Tensor
    eps_r: Tensor | None

    def step_back(self, j: int, eps: State) -> None:
        """Solve for x at node j."""
        nodes = self.grid.nodes
        ratio = nodes.alpha[j] / nodes.alpha[j + 1]
        if self.noises is not None:
            row = self.sampler.rows[j]
            weight = eps_weight(row, self.sampler.prediction_type, nodes, j)
            self.x = (ratio * (self.x - weight * eps - row.D * self.noises[j])).to(self.x.dtype)
            return
        weight = nodes.sigma[j] - ratio * nodes.sigma[j + 1]  # = -sigma_s (e^h - 1)
        self.x = ratio * self.x + weight * eps
        if self.order == 2:
            if self.eps_r is not None:
                self.x = self.x + weight * half_inverse_ratio(nodes, j) * (eps - self.eps_r)
            self.eps_r = eps


def eps_weight(row: Row, prediction: Prediction, grid: Grid, i: int) -> float:
    """W_i of step i, with the newest output in the place of all outputs of its history."""
    _, d = to_eps(prediction, grid.alpha[i], grid.sigma[i])
    return sum(row.B) * row.Q / d


def half_inverse_ratio(grid: Grid, j: int) -> float:
    """1 / (2 rho) with rho = (lambda_t - lambda_r) / h, for the step from node j + 1 (t) to node j (s)."""
    lambda_s, lambda_t, lambda_r = grid.log_snr[j : j + 3]
    return 0.0 if math.isinf(lambda_r) else (lambda_s - lambda_t) / (2 * (lambda_t - lambda_r))
