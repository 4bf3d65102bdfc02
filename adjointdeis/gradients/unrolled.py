"""Plain automatic differentiation through the whole sampler: the reference.

Exact, and memory grows with the number of steps, because every network call keeps its graph. Prefer
DiscreteAdjoint, which gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.base import Constants, LossAndGradients, LossFn, check_loss, checked, gather, leaf, recording
from adjointdeis.gradients.discrete import DiscreteAdjoint
from adjointdeis.sample import iterate
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State


@dataclass(frozen=True)
class Unrolled:
    """dL/d(x_T, z, w, theta) by one backward pass through all steps."""

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
        # one backward pass has no steps in which something could be found: the same gradient, step by step, has
        replay = DiscreteAdjoint()._differentiate
        return checked(self._differentiate, model, sampler, x_T, z, loss_fn, noises, wrt, replay)

    def _differentiate(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        loss_fn: LossFn,
        w: Noises | None,
        wrt: Sequence[str],
    ) -> LossAndGradients:
        constants = Constants(model, z, wrt)
        with recording():
            start = leaf(x_T)
            wanted = [start]
            if "noises" in wrt and w is not None:
                w = leaf(w)
                wanted.append(w)
            *_, image = iterate(model, sampler, start, constants.z, w)
            loss = loss_fn(image)
            check_loss(loss, image)
            found = torch.autograd.grad(loss.sum(), [*wanted, *constants.leaves], materialize_grads=True)
        constants.add(found[len(wanted) :])
        g_w = found[1] if len(wanted) == 2 else None
        return gather(loss.detach(), image.detach(), found[0], g_w, constants, wrt)
