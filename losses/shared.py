"""`SharedEmbedding`: several losses on one embedding of the image, which is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from losses.contract import Embed


class OnEmbedding(Protocol):
    """A loss that is a function of an embedding of the image."""

    @property
    def name(self) -> str:
        """What the value is called where it is shown."""

    def of(self, embedding: Tensor) -> Tensor:
        """embedding (b, d) -> (b,)."""


class Together:
    """sum_k loss_k(e) of losses of one kind, which need different names in a sum but have one.

    Args:
        losses: at least one.
        name: of the sum.

    Raises:
        ValueError: no losses.
    """

    def __init__(self, losses: Sequence[OnEmbedding], name: str) -> None:
        if not losses:
            raise ValueError("Losses together: give at least one.")
        self.losses, self.name = list(losses), name

    def of(self, embedding: Tensor) -> Tensor:
        """embedding (b, d) -> (b,)."""
        first, *rest = (loss.of(embedding) for loss in self.losses)
        return sum(rest, first)


class SharedEmbedding:
    """sum_k weight_k loss_k(E(x)), E(x) computed once.

    Args:
        embed: E, image (b, 3, h, w) in [-1, 1] -> (b, d).
        parts: pairs of a weight and a loss of E(x), at least one.
        name: of the sum.

    Raises:
        ValueError: no parts.
    """

    def __init__(self, embed: Embed, parts: Sequence[tuple[float, OnEmbedding]], name: str = "shared") -> None:
        if not parts:
            raise ValueError("Losses on one embedding: give at least one.")
        self.embed, self.parts, self.name = embed, list(parts), name

    @property
    def weights(self) -> dict[str, float]:
        """Weight by name."""
        return {loss.name: weight for weight, loss in self.parts}

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """Each loss by name, before its weight, (b,)."""
        embedding = self.embed(image)
        return {loss.name: loss.of(embedding) for _, loss in self.parts}

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,)."""
        weights = self.weights
        first, *rest = (weights[name] * value for name, value in self.terms(image).items())
        return sum(rest, first)
