"""One loss, or several with weights: L(image) = sum_k weight_k L_k(image), with every L_k kept for display."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from adjointdeis.gradients.problem import LossFn

Losses = LossFn | Mapping[str, tuple[float, LossFn]]
"""image (b, *x) -> one value an image (b,); or several of them by name, each with its weight."""


class Objective:
    """A loss that keeps the terms of its last call, by name, in `terms`.

    Args:
        losses: one loss, or name -> (weight, loss). Weights are finite, and may be negative.

    Raises:
        ValueError: no losses, a weight that is not finite, or (when called) terms of different shapes.
    """

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self.terms: dict[str, Tensor] = {}
        if isinstance(losses, Mapping):
            if not losses:
                raise ValueError("There is nothing to steer by: the losses are empty; pass name -> (weight, loss).")
            for name, (weight, _) in losses.items():
                if not math.isfinite(weight):
                    raise ValueError(f"The weight of a loss must be finite; got {weight} for {name}.")

    def __call__(self, image: Tensor) -> Tensor:
        """image (b, *x) -> (b,); of a batch of one also a single value."""
        if not isinstance(self._losses, Mapping):
            return self._losses(image)
        values = {name: loss(image) for name, (_, loss) in self._losses.items()}
        shapes = {name: tuple(value.shape) for name, value in values.items()}
        if len(set(shapes.values())) > 1:
            # summed, a single value would be added to every image's
            raise ValueError(f"All losses must return one value an image, or all a single value; got {shapes}.")
        self.terms = {name: value.detach() for name, value in values.items()}
        parts = [weight * values[name] for name, (weight, _) in self._losses.items()]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total
