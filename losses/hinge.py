"""Losses that aim at a threshold and not past it.

    Hinge         relu(loss(x) - level)
    MorphHinge    relu(d_a - level) + relu(d_b - level) + |relu(d_a - level) - relu(d_b - level)|

With d = 1 - cos, a network that accepts two faces as one person at a similarity of `threshold` is satisfied with a
margin at level = 1 - (threshold + margin): see `acceptance_level`.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from losses.contract import Loss
from losses.morph import Morph


def acceptance_level(threshold: float, margin: float = 0.1) -> float:
    """1 - min(threshold + margin, 1): the distance at which a similarity threshold is met with a margin.

    Args:
        threshold: cosine similarity in [-1, 1] above which two faces count as one person.
        margin: at least 0.

    Raises:
        ValueError: an argument out of range.
    """
    if not (-1 <= threshold <= 1 and margin >= 0):
        raise ValueError(f"A threshold lies in [-1, 1] and a margin is at least 0; got {threshold} and {margin}.")
    return 1 - min(threshold + margin, 1.0)


class Hinge:
    """relu(loss(x) - level): 0, with gradient 0, where the loss is at most `level`.

    Args:
        loss: image -> (b,), such as `Identity`.
        level: value of the loss that satisfies.
    """

    def __init__(self, loss: Loss, level: float) -> None:
        self.loss, self.level = loss, level

    @property
    def name(self) -> str:
        """That of the loss itself."""
        return self.loss.name

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,), at least 0."""
        return F.relu(self.loss(image) - self.level)


class MorphHinge:
    """AdjointDEIS eq. 5.1 (2405.15020) on what is left of both distances above a level.

        L = h_a + h_b + |h_a - h_b|,   h = relu(d - level)

    Args:
        morph: the loss of both people.
        level: distance d = 1 - cos that satisfies.
    """

    name = "morph"

    def __init__(self, morph: Morph, level: float) -> None:
        self.morph, self.level = morph, level

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,), at least 0."""
        h_a, h_b = (F.relu(d - self.level) for d in self.morph.distances(image))
        return h_a + h_b + (h_a - h_b).abs()
