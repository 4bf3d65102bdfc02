"""Plain automatic differentiation through the whole sampler: the reference.

Exact, and memory grows with the number of steps, because every network call keeps its graph. Prefer
DiscreteAdjoint, which computes the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from adjointdeis.gradients.base import CheckedMethod, LossAndGradients, checked, gather
from adjointdeis.gradients.discrete import DiscreteAdjoint
from adjointdeis.gradients.loss import check_loss
from adjointdeis.gradients.problem import Problem
from adjointdeis.gradients.vjp import NetworkVJP, leaf, recording
from adjointdeis.sample import iterate


@dataclass(frozen=True)
class Unrolled(CheckedMethod):
    """dL/d(x_T, z, w, theta) by one backward pass through all steps."""

    def _differentiate(self, problem: Problem) -> LossAndGradients:
        network, w = NetworkVJP(problem.model, problem.z, problem.wrt), problem.w
        with recording():
            start = leaf(problem.x_T)
            inputs = [start]
            if "noises" in problem.wrt and w is not None:
                w = leaf(w)
                inputs.append(w)
            *_, image = iterate(network.recorded, problem.sampler, start, network.z, w)
            loss = problem.loss_fn(image)
            check_loss(loss, image)
            # not by code that DiscreteAdjoint also uses: a reference is of use while it is independent
            grads = torch.autograd.grad(loss.sum(), [*inputs, *network.leaves], materialize_grads=True)
        network.add(grads[len(inputs) :])
        g_w = grads[1] if len(inputs) == 2 else None
        result = gather(problem, loss.detach(), image.detach(), grads[0], g_w, network)
        # one backward pass has no steps in which to locate a value; DiscreteAdjoint makes the same pass step by step
        return checked(result, problem, DiscreteAdjoint()._differentiate)
