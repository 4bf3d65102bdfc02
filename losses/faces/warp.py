"""`cut`: a differentiable crop of a square.

    out_ij = image(at(j / n, i / n)),   bilinear interpolation; the border is repeated

for an output of n x n, with pixel k of the image at position k. For an upright square in whole pixels this equals the
package's crop and resize. If the square is larger than n, one sample per output pixel would skip image pixels, and the
gradient would reach only some of them; with `smooth`, each output pixel is the mean of several samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from losses.faces.align import Square


def cut(image: Tensor, squares: Sequence[Square], size: int, smooth: bool = True) -> Tensor:
    """Crop one square from each image.

    Args:
        image: (b, c, h, w).
        squares: one for all images, or b.
        size: n, side of the result in pixels.
        smooth: whether squares larger than n are averaged.

    Returns:
        (b, c, size, size), differentiable in the image.

    Raises:
        ValueError: there are neither one nor b squares.
    """
    if len(squares) not in (1, len(image)):
        raise ValueError(f"There must be one square, or one per image; got {len(squares)} for {len(image)} images.")
    finer = max(math.ceil(max(square.side for square in squares) / size), 1) if smooth else 1
    grid = torch.stack([_places(square, size, finer) for square in squares])
    height, width = image.shape[-2:]
    scaled = (2 * grid + 1) / torch.tensor([width, height], dtype=torch.float64) - 1
    scaled = scaled.to(image).expand(len(image), -1, -1, -1)
    samples = F.grid_sample(image, scaled, mode="bilinear", padding_mode="border", align_corners=False)
    return F.avg_pool2d(samples, finer) if finer > 1 else samples


def _places(square: Square, size: int, finer: int) -> Tensor:
    """x and y of the samples in the image, (size finer, size finer, 2) float64."""
    inside = ((torch.arange(finer, dtype=torch.float64) + 0.5) / finer - 0.5) if finer > 1 else torch.zeros(1).double()
    steps = ((torch.arange(size, dtype=torch.float64)[:, None] + inside).flatten() / size - 0.5) * square.side
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    c, s = math.cos(square.turn), math.sin(square.turn)
    return torch.stack([square.x + c * across - s * down, square.y + s * across + c * down], dim=-1)
