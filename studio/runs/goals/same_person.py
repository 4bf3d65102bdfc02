"""`SamePerson`: the identity loss to the face of the start."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from losses import Identity


@dataclass(frozen=True)
class SamePerson:
    """1 - cos to the face of the start, under a name of its own beside the target face."""

    name = "same person"
    loss: Identity

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,)."""
        return self.loss(image)
