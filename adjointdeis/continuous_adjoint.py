"""Optimise, then discretise: AdjointDEIS (Blasingame & Liu, NeurIPS 2024, 2405.15020).

The adjoint ODE of the probability-flow ODE, solved by exponential integrators on the sampler's own grid, from the
clean end t to the noisy end s of every step. With h = lambda_s - lambda_t < 0 and the scaled products

    V_x(t) = alpha_t^2 a_x(t)^T d eps/dx (x_t, t),        V_z(t) = alpha_t a_x(t)^T d eps/dz (x_t, t),

AdjointDEIS-1 (eq. 2.14) is

    a_x(s) = (alpha_t / alpha_s) a_x(t) + k sigma_s (e^h - 1) / alpha_s^2  V_x(t)
    a_z(s) = a_z(t)                     + k sigma_s (e^h - 1) / alpha_s    V_z(t)             (theta alike)

and AdjointDEIS-2M (eq. 2.15) puts V + (V(t) - V(r)) / (2 rho) in the place of V, where r is the node visited
before t and rho = (lambda_t - lambda_r) / h; V(r) is kept, not computed again. k is 1 for the ODE and 2 for the
SDE (prop. 3.1). dL/dw_i = D_i a_x at the step's clean end is our addition.

Not recommended for steering: it is an approximation, first or second order in h, at the cost of the exact
discrete gradient. It is only conditionally stable: where noise dominates, a first-order step multiplies by
2 - e^|h| (3 - 2 e^|h| for the SDE), so it turns the sign above |h| = ln 2 and grows above ln 3 (ln 1.5 and ln 2 for
the SDE). Order 2 also needs a sampler of order 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser, to_eps
from adjointdeis.gradient import (
    Constants,
    LossAndGradients,
    LossFn,
    check_finite,
    check_wrt,
    loss_and_cotangent,
)
from adjointdeis.sample import check_noises, iterate
from adjointdeis.sampler import Sampler
from adjointdeis.schedule import Grid
from adjointdeis.shapes import Conditioning, Noises, State


@dataclass(frozen=True)
class ContinuousAdjoint:
    """AdjointDEIS-1 (order=1) or AdjointDEIS-2M (order=2) over the stored states of the sampler.

    Args:
        order: 1 or 2.

    Raises:
        ValueError: another order.
    """

    order: int = 2

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise ValueError(f"order must be 1 or 2; got {self.order}.")

    def value_and_grad(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        loss_fn: LossFn,
        noises: Noises | Sequence[Tensor] | None = None,
        wrt: Sequence[str] = ("x_T", "z"),
    ) -> LossAndGradients:
        """See GradientMethod.

        Raises:
            ValueError: also where the grid starts at alpha = 0, or a sample prediction ends at sigma = 0: the
                adjoint divides by both.
        """
        check_wrt(wrt, sampler)
        if sampler.grid.alpha[0] == 0:
            raise ValueError("AdjointDEIS divides by alpha, which is 0 at the first node; lower the noise level.")
        w = check_noises(sampler, x_T, noises)
        constants = Constants(model, z, wrt)
        with torch.no_grad():
            states = list(iterate(model, sampler, x_T, z, w))
        image = states[-1]
        loss, a_x = loss_and_cotangent(loss_fn, image)
        g_w = torch.empty_like(w) if w is not None and "noises" in wrt else None
        a_x = self._march(sampler, states, a_x, constants, g_w)
        grads = {"x_T": a_x} if "x_T" in wrt else {}
        if g_w is not None:
            grads["noises"] = g_w
        return check_finite(LossAndGradients(loss, image, grads | constants.grads()))

    @torch.no_grad()
    def _march(
        self, sampler: Sampler, states: list[Tensor], a_x: State, constants: Constants, g_w: Noises | None
    ) -> State:
        grid = sampler.grid
        drift = 2 if sampler.sde else 1
        kept: tuple[Tensor, list[Tensor]] | None = None
        for i in reversed(range(grid.steps)):
            alpha_s, sigma_s, alpha_t, sigma_t = (
                grid.alpha[i],
                grid.sigma[i],
                grid.alpha[i + 1],
                grid.sigma[i + 1],
            )
            if g_w is not None:
                g_w[i] = sampler.rows[i].D * a_x
            P, Q = to_eps(sampler.prediction_type, alpha_t, sigma_t)
            pulled, shares = constants.pull_back(grid.times[i + 1], states.pop(), Q * a_x)
            V_x = alpha_t**2 * (P * a_x + pulled)
            V_z = [alpha_t * share for share in shares]
            weight = drift * (alpha_s * sigma_t / alpha_t - sigma_s)  # = k sigma_s (e^h - 1)
            a_x = alpha_t / alpha_s * a_x + weight / alpha_s**2 * V_x
            constants.add(V_z, weight / alpha_s)
            if self.order == 2 and kept is not None:
                extra = weight * _half_inverse_ratio(grid, i)
                a_x = a_x + extra / alpha_s**2 * (V_x - kept[0])
                constants.add([v - v_r for v, v_r in zip(V_z, kept[1], strict=True)], extra / alpha_s)
            kept = (V_x, V_z)
        return a_x


def _half_inverse_ratio(grid: Grid, i: int) -> float:
    """1 / (2 rho) with rho = (lambda_t - lambda_r) / h, for the step from node i + 1 (t) to node i (s)."""
    lambda_s, lambda_t, lambda_r = grid.log_snr[i : i + 3]
    return 0.0 if math.isinf(lambda_r) else (lambda_s - lambda_t) / (2 * (lambda_t - lambda_r))
