"""Differentiable preprocessing: from an image to a network's input."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from losses.contract import check_image


def resize(image: Tensor, size: int) -> Tensor:
    """Resize the shorter side to `size` (bicubic, antialiased as in Pillow), then crop the centre square.

    Args:
        image: (b, 3, h, w).
        size: side of the result in pixels.

    Returns:
        (b, 3, size, size); the image itself if it has that size.
    """
    height, width = check_image(image).shape[-2:]
    if (height, width) != (size, size):
        scale = size / min(height, width)
        height, width = max(size, round(height * scale)), max(size, round(width * scale))
        image = F.interpolate(image, (height, width), mode="bicubic", antialias=True, align_corners=False)
    top, left = (height - size) // 2, (width - size) // 2
    return image[..., top : top + size, left : left + size]


def normalise(image: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """((image + 1) / 2 - mean) / std for images (b, 3, h, w) in [-1, 1]; mean and std are per channel, for [0, 1]."""
    shift, scale = image.new_tensor(mean).view(-1, 1, 1), image.new_tensor(std).view(-1, 1, 1)
    return ((image + 1) / 2 - shift) / scale
