"""The weighted sum of losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor

from losses.contract import Loss


@runtime_checkable
class Composite(Protocol):
    """A loss that is a weighted sum of named terms."""

    @property
    def name(self) -> str:
        """The name of the sum."""

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each term by name."""

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """By name, each term without its weight, (b,)."""

    def __call__(self, image: Tensor) -> Tensor:
        """image (b, 3, h, w) in [-1, 1] -> (b,)."""


class WeightedSum:
    """L = sum_k weight_k L_k(x). A part that is itself a sum adds its terms, with the products of the weights.

    Args:
        parts: one or more pairs of a finite weight and a loss; all terms have different names.

    Raises:
        ValueError: there are no parts, a weight is not finite, or two terms have the same name.
    """

    name = "total"

    def __init__(self, parts: Sequence[tuple[float, Loss]]) -> None:
        names = [n for _, loss in parts for n in (loss.weights if isinstance(loss, Composite) else [loss.name])]
        if not names:
            raise ValueError("A weighted sum needs at least one loss.")
        if len(set(names)) != len(names):
            raise ValueError(f"The losses of a weighted sum need different names; got {', '.join(names)}.")
        if not all(abs(weight) < float("inf") for weight, _ in parts):
            raise ValueError(f"Weights must be finite; got {[weight for weight, _ in parts]}.")
        self.parts = list(parts)

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each term by name."""
        found: dict[str, float] = {}
        for weight, loss in self.parts:
            inner = loss.weights if isinstance(loss, Composite) else {loss.name: 1.0}
            found |= {name: weight * w for name, w in inner.items()}
        return found

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """By name, each term without its weight, (b,)."""
        found: dict[str, Tensor] = {}
        for _, loss in self.parts:
            found |= loss.terms(image) if isinstance(loss, Composite) else {loss.name: loss(image)}
        return found

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of `terms`, (b,)."""
        first, *rest = (weight * terms[name] for name, weight in self.weights.items())
        return sum(rest, first)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,)."""
        return self.total(self.terms(image))
