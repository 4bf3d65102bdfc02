"""The sample, its loss and its gradient at the present values of the variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adjointdeis.gradients.base import GradientMethod, LossAndGradients, NotFinite, differentiate, sampling
from adjointdeis.guide.objective import Objective
from adjointdeis.guide.variables import Variables


@dataclass(frozen=True)
class Evaluation:
    """image (b, *x), loss (b,) or (), finite (b,), terms by name, gradients by variable (none if not taken)."""

    image: Tensor
    loss: Tensor
    finite: Tensor
    terms: dict[str, Tensor]
    grads: dict[str, Tensor]
    error: FloatingPointError | None = None


class Evaluator:
    """The evaluation at the variables' present values. The last one is cached until a variable changes.

    Args:
        variables: of a problem whose loss is `objective`.
        objective: the loss; its terms become part of the evaluation.
        gradient: how to differentiate.
    """

    def __init__(self, variables: Variables, objective: Objective, gradient: GradientMethod) -> None:
        self._variables, self._objective, self._gradient = variables, objective, gradient
        self._last: tuple[dict[str, Tensor], Evaluation] | None = None

    def __call__(self, with_gradient: bool = True) -> Evaluation:
        """Sample, take the loss, and the gradient unless it is not needed."""
        if self._last is not None:
            values, evaluation = self._last
            complete = bool(evaluation.grads) or not with_gradient
            if complete and all(torch.equal(v, values[name]) for name, v in self._variables.items()):
                return evaluation
        evaluation = self._differentiate() if with_gradient else self._sample()
        evaluation = replace(evaluation, terms=dict(self._objective.terms))
        self._last = self._variables.copies(), evaluation
        return evaluation

    def keep(self, rows: Sequence[int], found: Evaluation) -> Evaluation:
        """The part of these images in the evaluation of a batch; the variables have already left out the others.

        Raises:
            ValueError: the loss is a single value for the batch.
        """
        if found.loss.dim() == 0:
            raise ValueError("Images can leave a batch only if the loss has one value an image.")
        self._last = None
        index = torch.tensor(rows)

        def part(v: Tensor) -> Tensor:
            return v[index.to(v.device)] if v.dim() else v

        terms = {name: part(value) for name, value in found.terms.items()}
        grads = {name: self._variables.rows_of(name, grad, rows) for name, grad in found.grads.items()}
        return Evaluation(part(found.image), part(found.loss), part(found.finite), terms, grads, found.error)

    def _differentiate(self) -> Evaluation:
        problem = self._variables.now()
        error: FloatingPointError | None = None
        try:
            found = differentiate(problem, self._gradient)
        except NotFinite as not_finite:
            found, error = not_finite.result, not_finite
        except FloatingPointError as failed:  # a method of another author need not return its result
            x_T = problem.x_T
            found, error = LossAndGradients(x_T.new_full((len(x_T),), float("nan")), x_T, {}), failed
        finite = self._finite(found.loss, found.image)
        grads = self._variables.by_name(found.grads)
        if not grads:
            grads = {name: torch.zeros_like(v) for name, v in self._variables.items()}
        for name, grad in grads.items():
            finite = finite & _all_finite(self._variables.rows(name, grad))
        return Evaluation(found.image, found.loss, finite, {}, grads, error)

    def _sample(self) -> Evaluation:
        p = self._variables.now()
        with torch.no_grad():
            *_, image = sampling(self._gradient)(p.model, p.sampler, p.x_T, p.z, p.w)
            loss = p.loss_fn(image)
        return Evaluation(image, loss, self._finite(loss, image), {}, {})

    def _finite(self, loss: Tensor, image: Tensor) -> Tensor:
        finite = _all_finite(image.flatten(1))
        if loss.dim() == 1:
            return finite & loss.isfinite().cpu()
        # a single value that is not finite is due to the images that are not; if all are, to every image
        return finite if loss.isfinite() or not finite.all() else torch.zeros_like(finite)


def _all_finite(rows: Tensor) -> Tensor:
    """(b, n) -> (b,), on the CPU."""
    return rows.isfinite().all(dim=1).cpu()
