"""The discrete gradient on a coarser grid: M < N vector-Jacobian products, each at the NOISIER end of its step.

Every step of a sampler is a first-order step in x0_hat (all outputs of a history taken as the newest one),

    x_{i+1} = A_i x_i + B_i x0_hat_i + D_i w_i,

and so are several together, as long as x0_hat is constant between node p and node q:

    x_q = A_pq x_p + B_pq x0_hat_p + noise,       A_pq = A_p .. A_{q-1},       B_pq = sum_i B_i A_{i+1} .. A_{q-1}.

Transposed, with g = dL/dx and v = (d x0_hat_p / d x)^T g_q, for every node i from p to q

    g_i = A_iq g_q + B_iq v,      dL/dz_i = (B_iq - B_{i+1,q}) (d x0_hat_p / dz)^T g_q,      dL/dw_i = D_i g_{i+1}.

For the ODE this is DDIM's own step from p to q. AdjointDEIS on the same M steps takes its Jacobians at the cleaner
ends, where long steps flip the gradient's sign (gradients/continuous.py); these do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from adjointdeis.denoiser import to_x0
from adjointdeis.gradients.base import CheckedMethod, LossAndGradients, gather
from adjointdeis.gradients.loss import loss_and_cotangent
from adjointdeis.gradients.problem import Problem
from adjointdeis.gradients.vjp import NetworkVJP
from adjointdeis.sampler import Sampler
from adjointdeis.schedule import Grid
from adjointdeis.shapes import Noises, State


@dataclass(frozen=True)
class SubgridAdjoint(CheckedMethod):
    """An approximation that costs N network calls without and M with a gradient, and holds M states.

    For a first direction, or many cheap updates: its direction is close to the exact gradient's down to a few steps,
    its length less so. At M = N it is exact for samplers of first order. Where every call costs the same, prefer
    DiscreteAdjoint with fewer sampling steps, which is exact for what it samples.

    Args:
        steps: M, from 1 to N.

    Raises:
        ValueError: steps below 1. By `value_and_grad`: also above the sampler's number of steps.
    """

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1; got {self.steps}.")

    def grid(self, sampler: Sampler) -> Grid:
        """The nodes at which Jacobians are taken, and the last one."""
        grid, at = sampler.grid, self._nodes(sampler)
        return Grid(
            tuple(grid.times[i] for i in at), tuple(grid.alpha[i] for i in at), tuple(grid.sigma[i] for i in at)
        )

    def _nodes(self, sampler: Sampler) -> list[int]:
        if self.steps > sampler.steps:
            raise ValueError(
                f"A sub-grid has at most the sampler's {sampler.steps} steps; got {self.steps}. DiscreteAdjoint is "
                "exact."
            )
        return [round(j * sampler.steps / self.steps) for j in range(self.steps + 1)]

    @torch.no_grad()
    def _differentiate(self, problem: Problem) -> LossAndGradients:
        nodes = self._nodes(problem.sampler)
        network = NetworkVJP(problem.model, problem.z, problem.wrt)
        states: dict[int, Tensor] = {}
        for i, x in enumerate(problem.states()):
            if i in nodes:
                states[i] = x
        image = states.pop(problem.sampler.steps)
        loss, g = loss_and_cotangent(problem.loss_fn, image)
        g_w = problem.empty_noise_gradient()
        for p, q in reversed(list(pairwise(nodes))):
            g = _reverse(problem.sampler, p, q, states.pop(p), g, network, g_w)
        return gather(problem, loss, image, g, g_w, network)


def _reverse(
    sampler: Sampler, p: int, q: int, x_p: State, g_q: State, network: NetworkVJP, g_w: Noises | None
) -> State:
    """g_p, adding the shares of steps p .. q - 1 to the other gradients."""
    a, b = to_x0(sampler.prediction_type, sampler.grid.alpha[p], sampler.grid.sigma[p])
    product, shares = network.record_and_vjp(sampler.grid.times[p], x_p, b * g_q, p)
    v = a * g_q + product
    A, B, g = 1.0, 0.0, g_q
    for i in reversed(range(p, q)):
        if g_w is not None:
            g_w[i] = sampler.rows[i].D * g
        A_i, B_i = x0_step(sampler, i)
        network.add(shares, A * B_i, i)
        A, B = A * A_i, B + A * B_i
        g = A * g_q + B * v
    return g


def x0_step(sampler: Sampler, i: int) -> tuple[float, float]:
    """A_i and B_i of step i, written in x0_hat.

    Raises:
        ValueError: epsilon prediction at alpha = 0, where x_t does not depend on the image.
    """
    row = sampler.rows[i]
    a, b = to_x0(sampler.prediction_type, sampler.grid.alpha[i], sampler.grid.sigma[i])
    weight = sum(row.B) * row.Q / b  # net = (x0_hat - a x) / b
    return row.A + sum(row.B) * row.P - weight * a, weight
