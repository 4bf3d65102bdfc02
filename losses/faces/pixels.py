"""Preprocessing of the face networks, equal to that of TensorFlow.js.

    levels:  p = 127.5 (x + 1),  0..255
    resize:  y_i = (1 - f) p_k + f p_{min(k + 1, n - 1)},  i n / m = k + f        (m out of n, rows then columns)

Pixel corners are mapped to pixel corners, as in `resizeBilinear` without half-pixel centres; torch's function differs
by half a pixel. There is no antialiasing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

BLACK = -1.0


def levels(image: Tensor) -> Tensor:
    """(b, 3, h, w) in [-1, 1] -> values in 0..255, not rounded."""
    return (image + 1) * 127.5


def centred(image: Tensor, mean: Sequence[float]) -> Tensor:
    """(levels(image) - mean) / 255 for images (b, 3, h, w) in [-1, 1]; mean is per channel, in 0..255."""
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
    """Pad (b, 3, h, w) with black to a square, at the end or on both sides (an odd pixel at the end)."""
    height, width = image.shape[-2:]
    missing = abs(height - width)
    after = (missing + 1) // 2 if centre else missing
    before = missing - after
    sides = (before, after, 0, 0) if height > width else (0, 0, before, after)
    return F.pad(image, sides, value=BLACK)
