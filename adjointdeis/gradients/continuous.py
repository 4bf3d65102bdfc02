"""Optimise, then discretise: AdjointDEIS (Blasingame & Liu, NeurIPS 2024, 2405.15020).

The adjoint ODE of the probability-flow ODE, solved by exponential integrators from the clean end t to the noisy end s
of every step. With h = lambda_s - lambda_t < 0 and the scaled products

    V_x(t) = alpha_t^2 a_x(t)^T d eps/dx (x_t, t),        V_z(t) = alpha_t a_x(t)^T d eps/dz (x_t, t),

AdjointDEIS-1 (eq. 2.14) is

    a_x(s) = (alpha_t / alpha_s) a_x(t) + k sigma_s (e^h - 1) / alpha_s^2  V_x(t)
    a_z(s) = a_z(t)                     + k sigma_s (e^h - 1) / alpha_s    V_z(t)             (theta alike)

and AdjointDEIS-2M (eq. 2.15) puts V + (V(t) - V(r)) / (2 rho) in the place of V, where r is the node visited
before t and rho = (lambda_t - lambda_r) / h; V(r) is stored, not computed again. k is 1 for the ODE and 2 for the
SDE (prop. 3.1), 1 + eta^2 between. For a scheduled z (theorem 2.2) the increment of a step is dL/dz_i, where z_i is
used up to the step's clean end. dL/dw_i = D_i a_x at the step's clean end is our addition.

Not recommended for steering: it is an approximation, first or second order in h, at the cost of the exact
discrete gradient. It is only conditionally stable: where noise dominates, a first-order step multiplies by
2 - e^|h| (3 - 2 e^|h| for the SDE), so it flips the sign above |h| = ln 2 and grows above ln 3 (ln 1.5 and ln 2 for
the SDE). Fewer steps than the sampler's make every step longer: for that, prefer SubgridAdjoint. Order 2 also needs a
sampler of order 2, and a z that does not jump.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from adjointdeis.denoiser import to_eps
from adjointdeis.gradients.adjoint_grid import AdjointGrid, Time, adjoint_grid
from adjointdeis.gradients.base import CheckedMethod, LossAndGradients, UnsuitedSampler, gather
from adjointdeis.gradients.loss import loss_and_cotangent
from adjointdeis.gradients.problem import Problem
from adjointdeis.gradients.trajectory import Resolved, Stored, Trajectory, half_inverse_ratio
from adjointdeis.gradients.vjp import NetworkVJP
from adjointdeis.sampler import Sampler
from adjointdeis.schedule import Grid
from adjointdeis.shapes import Noises, State

Path = Literal["stored", "resolved"]


@dataclass(frozen=True)
class ContinuousAdjoint(CheckedMethod):
    """AdjointDEIS-1 (order=1) or AdjointDEIS-2M (order=2).

    Args:
        order: 1 or 2.
        steps: M, the number of the adjoint's steps, or the adjoint's grid, see adjoint_grid; the sampler's if None.
        trajectory: "stored" stores the sampler's N states; "resolved" stores none, and solves for them again backwards
            (DDIM inversion, or DPM-Solver-2M's), which adds its own error.
        time: lambda -> time, for nodes between the sampler's; interpolated if None.

    Raises:
        ValueError: an argument out of range. By `value_and_grad`: also where the grid starts at alpha = 0, or a sample
            prediction ends at sigma = 0 (the adjoint divides by both); where the adjoint's grid does not end where the
            sampler's does; where an SDE's trajectory is to be resolved on another grid than the sampler's.
    """

    order: int = 2
    steps: int | Grid | None = None
    trajectory: Path = "stored"
    time: Time | None = None

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise ValueError(f"order must be 1 or 2; got {self.order}.")
        if isinstance(self.steps, int) and self.steps < 1:
            raise ValueError(f"steps must be at least 1; got {self.steps}.")
        if self.trajectory not in get_args(Path):
            raise ValueError(f"trajectory must be 'stored' or 'resolved'; got {self.trajectory!r}.")

    def grid(self, sampler: Sampler) -> Grid:
        """The adjoint's nodes."""
        return adjoint_grid(sampler.grid, self.steps, self.time).nodes

    @torch.no_grad()
    def _differentiate(self, problem: Problem) -> LossAndGradients:
        sampler = problem.sampler
        if sampler.grid.alpha[0] == 0:
            raise UnsuitedSampler("AdjointDEIS divides by alpha, which is 0 at the first node; lower the noise level.")
        if sampler.grid.ends_twice:
            raise UnsuitedSampler(
                "AdjointDEIS has no step of length zero, which ends this sampler; use final_sigmas_type='zero', or "
                "DiscreteAdjoint."
            )
        grid = adjoint_grid(sampler.grid, self.steps, self.time)
        network = NetworkVJP(problem.model, problem.z, problem.wrt)
        stored, path = self.trajectory == "stored", problem.states()
        trajectory = Stored(grid, path) if stored else Resolved(grid, path, sampler, problem.w, self.order)
        loss, a_x = loss_and_cotangent(problem.loss_fn, trajectory.image)
        g_w = problem.empty_noise_gradient()
        a_x = self._solve(sampler, grid, trajectory, a_x, network, g_w)
        return gather(problem, loss, trajectory.image, a_x, g_w, network)

    def _solve(
        self,
        sampler: Sampler,
        grid: AdjointGrid,
        trajectory: Trajectory,
        a_x: State,
        network: NetworkVJP,
        g_w: Noises | None,
    ) -> State:
        """a_x at the noisiest node; adds the shares of z and theta to `network`, and fills g_w."""
        nodes, k = grid.nodes, drift(sampler)
        previous: tuple[Tensor, list[Tensor]] | None = None
        for j in reversed(range(nodes.steps)):
            alpha_s, sigma_s, alpha_t, sigma_t = nodes.alpha[j], nodes.sigma[j], nodes.alpha[j + 1], nodes.sigma[j + 1]
            P, Q = to_eps(sampler.prediction_type, alpha_t, sigma_t)
            x_t = trajectory.at(j + 1)
            call = network.record(nodes.times[j + 1], x_t, grid.step_before(j + 1))
            product, shares = network.vjp(call, Q * a_x)
            trajectory.step_back(j, P * x_t + Q * call.output.detach())
            V_x = alpha_t**2 * (P * a_x + product)
            V_z = [alpha_t * share for share in shares]
            weight = k * (alpha_s * sigma_t / alpha_t - sigma_s)  # = k sigma_s (e^h - 1)
            a_s = alpha_t / alpha_s * a_x + weight / alpha_s**2 * V_x
            _add(network, grid, j, V_z, weight / alpha_s)
            if self.order == 2 and previous is not None:
                extra = weight * half_inverse_ratio(nodes, j)
                a_s = a_s + extra / alpha_s**2 * (V_x - previous[0])
                differences = [v - v_r for v, v_r in zip(V_z, previous[1], strict=True)]
                _add(network, grid, j, differences, extra / alpha_s)
            if g_w is not None:
                _fill_noise_gradient(g_w, sampler, grid, j, a_x, a_s)
            a_x, previous = a_s, (V_x, V_z)
        return a_x


def drift(sampler: Sampler) -> float:
    """k: 1 for the ODE, 2 for the SDE, and 1 + eta^2 for DDIM's eta."""
    return 1.0 + (float(sampler.sde) if sampler.eta is None else sampler.eta**2)


def _add(network: NetworkVJP, grid: AdjointGrid, j: int, V_z: list[Tensor], weight: float) -> None:
    """Add adjoint step j's increment; that of a scheduled z is split over the sampler's steps that it covers."""
    for i, share in grid.shares(j) if network.scheduled else [(None, 1.0)]:
        network.add(V_z, weight * share, i)


def _fill_noise_gradient(g_w: Noises, sampler: Sampler, grid: AdjointGrid, j: int, a_t: State, a_s: State) -> None:
    """dL/dw_i = D_i a_x(t_{i+1}) for the sampler's nodes within adjoint step j; alpha a_x is linear in rho there."""
    nodes = grid.nodes
    for i, share in grid.passed(j):
        a_x = a_t
        if share > 0:
            b = (1 - share) * nodes.alpha[j + 1] * a_t + share * nodes.alpha[j] * a_s
            a_x = b / sampler.grid.alpha[i]
        g_w[i - 1] = sampler.rows[i - 1].D * a_x
