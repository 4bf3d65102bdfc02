"""Where the loop stands: the sample, its loss and its gradient at the variables' present values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.base import GradientMethod, LossAndGradients, NotFinite
from adjointdeis.guide.objective import Objective
from adjointdeis.guide.variables import Variables
from adjointdeis.sample import iterate
from adjointdeis.sampler import Sampler


@dataclass(frozen=True)
class Point:
    """image (b, *x), loss (b,) or (), terms by name, gradients by variable (none if not taken), finite (b,)."""

    image: Tensor
    loss: Tensor
    terms: dict[str, Tensor]
    grads: dict[str, Tensor]
    finite: Tensor
    error: FloatingPointError | None = None


class Evaluate:
    """The point at the variables' present values. Asked again at the same values, it answers from memory."""

    def __init__(
        self, model: Denoiser, sampler: Sampler, variables: Variables, objective: Objective, gradient: GradientMethod
    ) -> None:
        self._model, self._sampler, self._gradient = model, sampler, gradient
        self._variables, self._objective = variables, objective
        self._last: tuple[dict[str, Tensor], Point] | None = None

    def __call__(self, with_gradient: bool = True) -> Point:
        """Sample, take the loss, and the gradient unless it is not needed."""
        if self._last is not None:
            values, point = self._last
            known = bool(point.grads) or not with_gradient
            if known and all(torch.equal(v, values[name]) for name, v in self._variables.items()):
                return point
        point = self._differentiate() if with_gradient else self._sample()
        point = replace(point, terms=dict(self._objective.terms))
        self._last = self._variables.copies(), point
        return point

    def _differentiate(self) -> Point:
        x_T, z, noises = self._variables.now()
        error: FloatingPointError | None = None
        try:
            found = self._gradient.value_and_grad(
                self._model, self._sampler, x_T, z, self._objective, noises, tuple(self._variables)
            )
        except NotFinite as caught:
            found, error = caught.result, caught
        except FloatingPointError as caught:  # of a method that does not say more
            nothing = {name: torch.zeros_like(v) for name, v in self._variables.items()}
            found, error = LossAndGradients(x_T.new_full((len(x_T),), float("nan")), x_T, nothing), caught
        finite = self._finite(found.loss, found.image)
        for name, grad in found.grads.items():
            finite = finite & _all_finite(self._variables.rows(name, grad))
        return Point(found.image, found.loss, {}, found.grads, finite, error)

    def _sample(self) -> Point:
        x_T, z, noises = self._variables.now()
        # a method may bring a sampler of its own, whose image its gradient belongs to
        run = getattr(self._gradient, "sample", iterate)
        with torch.no_grad():
            *_, image = run(self._model, self._sampler, x_T, z, noises)
            loss = self._objective(image)
        return Point(image, loss, {}, {}, self._finite(loss, image))

    def _finite(self, loss: Tensor, image: Tensor) -> Tensor:
        finite = _all_finite(image.flatten(1))
        if loss.dim() == 1:
            return finite & loss.isfinite().cpu()
        # a single value says nothing of which image it is that fails, but the images may
        return finite if loss.isfinite() or not finite.all() else torch.zeros_like(finite)


def _all_finite(rows: Tensor) -> Tensor:
    """(b, n) -> (b,), on the CPU."""
    return rows.isfinite().all(dim=1).cpu()
