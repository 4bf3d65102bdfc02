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
from adjointdeis.gradient import (
    Constants,
    LossAndGradients,
    LossFn,
    check_finite,
    check_loss,
    check_wrt,
    leaf,
    recording,
)
from adjointdeis.sample import check_noises, iterate
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
        check_wrt(wrt, sampler)
        w = check_noises(sampler, x_T, noises)
        constants = Constants(model, z, wrt)
        with recording():
            variables = {"x_T": leaf(x_T)} if "x_T" in wrt else {}
            start = variables.get("x_T", x_T)
            if "noises" in wrt and w is not None:
                variables["noises"] = w = leaf(w)
            for image in iterate(model, sampler, start, constants.z, w):  # noqa: B007 - the last state is used
                pass
            loss = loss_fn(image)
            check_loss(loss, image)
            grads = torch.autograd.grad(loss.sum(), [*variables.values(), *constants.leaves], materialize_grads=True)
        constants.add(grads[len(variables) :])
        own = dict(zip(variables, grads[: len(variables)], strict=True))
        return check_finite(LossAndGradients(loss.detach(), image.detach(), own | constants.grads()))
