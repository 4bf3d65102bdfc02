"""`Strangeness`: the out-of-distribution score of an autoencoder as a loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from losses.contract import check_image

Reconstruct = Callable[[Tensor], tuple[Tensor, Tensor]]
"""image (b, 3, h, w) in [-1, 1] -> mean (b, 3, h, w) and spread > 0 (broadcast to it) of its pixels, given its code."""


def out_of_distribution(image: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """The normalised reconstruction error sqrt(mean ((x - m) / s)^2) over channels and pixels, (b,), at least 0."""
    squared: Tensor = ((image - mean) / spread).square().mean(dim=(1, 2, 3))
    return squared.clamp_min(torch.finfo(squared.dtype).tiny).sqrt()  # the slope of a root at 0 is not finite


class Strangeness:
    """relu(score(x) - limit),  score(x) = sqrt(mean over pixels and channels of ((x - m(z)) / s(z))^2),  z = E(x).

    The gradient goes through encoder and decoder. The score is about 1 for training images.

    Args:
        reconstruct: image -> m(z) and s(z), differentiable; its networks are frozen by the caller.
        limit: score that costs nothing, >= 0.

    Raises:
        ValueError: a negative limit.
    """

    name = "out of distribution"

    def __init__(self, reconstruct: Reconstruct, limit: float = 1.05) -> None:
        if not limit >= 0:
            raise ValueError(f"The limit of a score must be at least 0; got {limit}.")
        self.reconstruct, self.limit = reconstruct, limit

    def score(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,), at least 0."""
        return out_of_distribution(image, *self.reconstruct(check_image(image)))

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,), at least 0."""
        return F.relu(self.score(image) - self.limit)
