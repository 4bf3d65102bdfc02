"""The weighted sum of losses."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from losses.contract import Loss


class WeightedSum:
    """L = sum_k weight_k L_k(x).

    Args:
        parts: one or more pairs of a finite weight and a loss; the losses have different names.

    Raises:
        ValueError: there are no parts, a weight is not finite, or two losses have the same name.
    """

    name = "total"

    def __init__(self, parts: Sequence[tuple[float, Loss]]) -> None:
        names = [loss.name for _, loss in parts]
        if not names:
            raise ValueError("A weighted sum needs at least one loss.")
        if len(set(names)) != len(names):
            raise ValueError(f"The losses of a weighted sum need different names; got {', '.join(names)}.")
        if not all(abs(weight) < float("inf") for weight, _ in parts):
            raise ValueError(f"Weights must be finite; got {[weight for weight, _ in parts]}.")
        self.parts = list(parts)

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """By name, each loss without its weight, (b,)."""
        return {loss.name: loss(image) for _, loss in self.parts}

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,)."""
        (weight, first), *rest = self.parts
        total = weight * first(image)
        for weight, loss in rest:
            total = total + weight * loss(image)
        return total
