"""`MeasuredLoss`: an objective whose latest evaluation is kept, so that each loss is evaluated once an update.

Its values are

    total      = sum_k weight_k loss_k(x)                          with a graph, for the gradient
                 + the difference outside of the area              where only a part may change (`studio.runs.area`)
    similarity = 1 - loss_k(x)                                     of a term: its value, no second evaluation
                 1 - loss(x)                                       of any other loss: evaluated once, without a graph
    of z       = loss_k(z)                                         of the losses of z itself
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from adjointdeis import Frame
from studio.runs.events import CurvePoint
from studio.runs.goals.objective import Objective

OUTSIDE_TERM, OUTSIDE = "outside the area", 5.0
"""Name and weight of the squared difference outside of the area."""


def of_z(name: str) -> str:
    """The name of a loss of z itself among the terms."""
    return f"{name}, of z"


def is_of_code(name: str) -> bool:
    """Whether a term measures the code of the image or z, beside another one that measures the image."""
    return "in the code" in name


class MeasuredLoss:
    """Image (b, 3, h, w) in [-1, 1] -> total loss (b,).

    `sampled` is the latest image, without its graph; `image` is the same, or its composite with the start.

    `adjointdeis.guide` also takes the terms by name, but a latent model would then decode the state once for each.

    Args:
        objective: the weighted losses, and the losses whose similarities are shown.
        sampled: called with each new `image` before its loss is computed.
    """

    def __init__(self, objective: Objective, sampled: Callable[[Tensor], None] | None = None) -> None:
        self._notify = sampled
        self.objective, self._loss, self._similarities = objective, objective.loss, objective.similarities
        self._terms: dict[str, Tensor] = {}
        self.image = self.sampled = torch.empty(0)

    def __call__(self, image: Tensor) -> Tensor:
        """The weighted sum of all losses, each evaluated once."""
        area = self.objective.area
        shown = image if area is None else area.shown(image)
        self.image, self.sampled = shown.detach(), image.detach()
        if self._notify is not None:
            self._notify(self.image)
        values = self._loss.terms(shown)
        total = self._loss.total(values)
        if area is not None:
            values[OUTSIDE_TERM] = area.outside(image)
            total = total + OUTSIDE * values[OUTSIDE_TERM]
        self._terms = {name: value.detach() for name, value in values.items()}
        return total

    @torch.no_grad()
    def point(self, frame: Frame) -> CurvePoint:
        """The curve point of the frame that was evaluated last: total, terms and similarities of its first image."""
        terms = {name: float(value[0]) for name, value in self._terms.items()}
        if (z := frame.variables.get("z")) is not None:
            terms |= {of_z(loss.name): float(loss.of(z)[0]) for _, loss in self.objective.on_z}
        known = {id(loss): terms[loss.name] for _, loss in self._loss.parts if loss.name in terms}
        similarity = {
            name: 1 - (known[id(loss)] if id(loss) in known else float(loss(self.image)[0]))
            for name, loss in self._similarities.items()
        }
        return CurvePoint(frame.step, float(frame.loss[0]), terms, similarity)
