"""From images in [-1, 1] to what the face networks see, as TensorFlow.js makes it.

    levels:  p = 127.5 (x + 1),  0..255
    resize:  y_i = (1 - f) p_k + f p_{min(k + 1, n - 1)},  i n / m = k + f        (m out of n, rows then columns)

The corner of pixel i lands on the corner of pixel i n / m: this is `resizeBilinear` without half-pixel centres, half a
pixel off from what torch's own function does. Nothing is averaged when pictures get smaller.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

BLACK = -1.0


def levels(image: Tensor) -> Tensor:
    """(b, 3, h, w) in [-1, 1] -> the same in 0..255, not rounded."""
    return (image + 1) * 127.5


def centred(image: Tensor, mean: Sequence[float]) -> Tensor:
    """(p - mean) / 255 of an image in [-1, 1]; mean is by channel, in 0..255."""
    return (levels(image) - image.new_tensor(mean).view(-1, 1, 1)) / 255


def resize_corners(image: Tensor, size: int) -> Tensor:
    """(b, c, h, w) -> (b, c, size, size), bilinear between pixel corners; differentiable."""
    height, width = image.shape[-2:]
    if (height, width) == (size, size):
        return image
    rows, columns = _interpolation(height, size, image), _interpolation(width, size, image)
    return rows @ image @ columns.mT


def _interpolation(n: int, m: int, like: Tensor) -> Tensor:
    """The (m, n) matrix that resizes n samples to m."""
    place = (torch.arange(m, dtype=torch.float32) * torch.tensor(n / m, dtype=torch.float32)).double()
    lower = place.floor().long().clamp(max=n - 1)
    part = (place - lower)[:, None]
    eye = torch.eye(n, dtype=torch.float64)
    return ((1 - part) * eye[lower] + part * eye[(lower + 1).clamp(max=n - 1)]).to(like)


def pad_to_square(image: Tensor, centre: bool) -> Tensor:
    """Black beside the shorter side: after it, or the same on both sides (one more after it, where uneven)."""
    height, width = image.shape[-2:]
    missing = abs(height - width)
    after = (missing + 1) // 2 if centre else missing
    before = missing - after
    sides = (before, after, 0, 0) if height > width else (0, 0, before, after)
    return F.pad(image, sides, value=BLACK)
