"""Cutting a square out of pictures, differentiably.

    out_ij = image(at(j / n, i / n)),   bilinear between pixels; beyond the rim the rim's pixels go on

for out of n x n, and pixel k of the picture at k: with an upright square in whole pixels this is the slice of the
picture, resized as the package resizes it. Where the square is larger than n, one sample a pixel would skip pixels of
the picture, and a gradient would reach only some of them; then `smooth` takes the mean of a finer grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from losses.faces.align import Square


def cut(image: Tensor, squares: Sequence[Square], size: int, smooth: bool = True) -> Tensor:
    """One square of each picture.

    Args:
        image: (b, c, h, w).
        squares: one for all pictures, or b.
        size: side of the result.
        smooth: whether larger squares are averaged rather than sampled.

    Returns:
        (b, c, size, size), differentiable in the image.

    Raises:
        ValueError: neither one square nor b.
    """
    if len(squares) not in (1, len(image)):
        raise ValueError(f"There must be one square or one a picture; got {len(squares)} for {len(image)} pictures.")
    finer = max(math.ceil(max(square.side for square in squares) / size), 1) if smooth else 1
    grid = torch.stack([_places(square, size, finer) for square in squares])
    height, width = image.shape[-2:]
    scaled = (2 * grid + 1) / torch.tensor([width, height], dtype=torch.float64) - 1
    scaled = scaled.to(image).expand(len(image), -1, -1, -1)
    samples = F.grid_sample(image, scaled, mode="bilinear", padding_mode="border", align_corners=False)
    return F.avg_pool2d(samples, finer) if finer > 1 else samples


def _places(square: Square, size: int, finer: int) -> Tensor:
    """(size finer, size finer, 2): x and y in the picture of every sample, float64."""
    inside = ((torch.arange(finer, dtype=torch.float64) + 0.5) / finer - 0.5) if finer > 1 else torch.zeros(1).double()
    steps = ((torch.arange(size, dtype=torch.float64)[:, None] + inside).flatten() / size - 0.5) * square.side
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    c, s = math.cos(square.turn), math.sin(square.turn)
    return torch.stack([square.x + c * across - s * down, square.y + s * across + c * down], dim=-1)
