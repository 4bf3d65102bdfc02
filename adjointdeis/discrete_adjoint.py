"""Discretise, then optimise: the exact gradient of the discrete sampler, one vector-Jacobian product a step.

The transpose of the sampler's table (Kidger 2022, s. 5.1.2.3, recommends this way to differentiate). With g_i =
dL/dx_i and G_i = dL/dm_i,

    G_i     = sum_j B_{i+j,j} g_{i+1+j}
    g_i     = A_i g_{i+1} + P_i G_i + (d net_i / d x)^T (Q_i G_i)
    g_z    += (d net_i / d z)^T (Q_i G_i),         g_theta likewise
    g_{w_i} = D_i g_{i+1}

The Jacobian is taken at x_i, the NOISIER end of the step. Taking it at the cleaner end is AdjointDEIS-1
(continuous_adjoint.py), which is only a first-order approximation of the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
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
from adjointdeis.shapes import Conditioning, Noises, State


@dataclass(frozen=True)
class DiscreteAdjoint:
    """The default gradient method. Costs N network calls forwards and N forward-backwards; keeps N states.

    No graph outlives its step, so the activations of one network call are all that is ever held.
    """

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
        """See GradientMethod."""
        check_wrt(wrt, sampler)
        w = check_noises(sampler, x_T, noises)
        constants = Constants(model, z, wrt)
        with torch.no_grad():
            states = list(iterate(model, sampler, x_T, z, w))
        image = states.pop()
        loss, g = loss_and_cotangent(loss_fn, image)
        g_w = torch.empty_like(w) if w is not None and "noises" in wrt else None
        g = transpose(sampler, states, g, constants, g_w)
        grads = {"x_T": g} if "x_T" in wrt else {}
        if g_w is not None:
            grads["noises"] = g_w
        return check_finite(LossAndGradients(loss, image, grads | constants.grads()))


@torch.no_grad()
def transpose(sampler: Sampler, states: list[Tensor], g: State, constants: Constants, g_w: Noises | None) -> State:
    """Run the table backwards from g_N to g_0, emptying `states` (x_0 .. x_{N-1}) on the way.

    The shares of dL/dz and dL/dtheta go into `constants`, those of dL/dw into `g_w`.
    """
    G: dict[int, Tensor] = {}
    for i in reversed(range(sampler.steps)):
        row = sampler.rows[i]
        for j, weight in enumerate(row.B):
            G[i - j] = G[i - j] + weight * g if i - j in G else weight * g
        if g_w is not None:
            g_w[i] = row.D * g
        G_i = G.pop(i)
        pulled, shares = constants.pull_back(row.time, states.pop(), row.Q * G_i)
        constants.add(shares)
        g = row.A * g + row.P * G_i + pulled
    return g
