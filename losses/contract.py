"""The interface of a loss: image -> one value per image, lower is better.

Images are (b, 3, h, w) in [-1, 1]. Values slightly outside of that range are allowed and not clipped, because clipping
has no gradient. The networks of a loss are frozen: they are in eval mode, and their parameters get no gradient.
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
    """A differentiable function of images."""

    @property
    def name(self) -> str:
        """The name under which the value is shown."""

    def __call__(self, image: Tensor) -> Tensor:
        """image (b, 3, h, w) in [-1, 1] -> (b,)."""


def freeze(network: Network) -> Network:
    """The network itself, in eval mode and without gradients for its parameters."""
    return network.eval().requires_grad_(False)


def frozen(embed: Embed) -> Embed:
    """The embedding with its network frozen; it accepts images of any floating dtype and returns that dtype."""
    if not isinstance(embed, nn.Module):
        return embed
    weight = next(freeze(embed).parameters(), None)
    if weight is None:
        return embed
    return lambda image: embed(image.to(weight)).to(image.dtype)


def check_image(image: Tensor) -> Tensor:
    """The image itself.

    Raises:
        ValueError: it is not a floating-point tensor of shape (b, 3, h, w).
    """
    if image.dim() != 4 or image.shape[1] != 3 or not image.is_floating_point():
        raise ValueError(
            f"An image must be floating-point of shape (b, 3, h, w) in [-1, 1]; got {image.dtype} of shape "
            f"{tuple(image.shape)}."
        )
    return image


def unit(embedding: Tensor) -> Tensor:
    """The embedding (b, d), scaled to length 1."""
    return F.normalize(embedding, dim=-1)


def reference_embedding(embed: Embed, reference: Tensor) -> Tensor:
    """The unit embedding of a reference image (1, 3, h, w) or (b, 3, h, w), without gradient; (1, d) or (b, d)."""
    with torch.no_grad():
        return unit(embed(check_image(reference))).detach()


def cosine_distance(a: Tensor, b: Tensor) -> Tensor:
    """1 - a . b of unit embeddings (b, d) or (1, d); (b,) in [0, 2]."""
    return 1 - (a * b).sum(dim=-1)
