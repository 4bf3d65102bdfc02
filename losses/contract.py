"""What a loss is: image -> one value per image, lower is better.

Images are (b, 3, h, w) in [-1, 1]; values may leave that range a little on the way, and no loss clips them, because
clipping has no gradient. A loss knows nothing of diffusion, and its networks are frozen: they are in eval mode, and
no gradient reaches their parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Network = TypeVar("Network", bound=nn.Module)

Embed = Callable[[Tensor], Tensor]
"""image (b, 3, h, w) in [-1, 1] -> embedding (b, d)."""


class Loss(Protocol):
    """A differentiable measure of images."""

    @property
    def name(self) -> str:
        """What the value is called where it is shown."""

    def __call__(self, image: Tensor) -> Tensor:
        """image (b, 3, h, w) in [-1, 1] -> (b,)."""


def freeze(network: Network) -> Network:
    """The same network in eval mode, none of whose parameters takes a gradient."""
    return network.eval().requires_grad_(False)


def frozen(embed: Embed) -> Embed:
    """The same embedding with its network frozen, taking images of any floating dtype and answering in it."""
    if not isinstance(embed, nn.Module):
        return embed
    weight = next(freeze(embed).parameters(), None)
    if weight is None:
        return embed
    return lambda image: embed(image.to(weight)).to(image.dtype)


def check_image(image: Tensor) -> Tensor:
    """The image itself.

    Raises:
        ValueError: it is not a floating-point (b, 3, h, w).
    """
    if image.dim() != 4 or image.shape[1] != 3 or not image.is_floating_point():
        raise ValueError(
            f"An image must be floating-point of shape (b, 3, h, w) in [-1, 1]; got {image.dtype} of shape "
            f"{tuple(image.shape)}."
        )
    return image


def unit(embedding: Tensor) -> Tensor:
    """The embedding at length 1."""
    return F.normalize(embedding, dim=-1)


def reference_embedding(embed: Embed, reference: Tensor) -> Tensor:
    """The reference's embedding at length 1, without gradient, (1, d) or (b, d)."""
    with torch.no_grad():
        return unit(embed(check_image(reference))).detach()


def cosine_distance(a: Tensor, b: Tensor) -> Tensor:
    """1 - a.b for embeddings at length 1, in [0, 2]; (b,)."""
    return 1 - (a * b).sum(dim=-1)
