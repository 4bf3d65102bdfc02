"""Masks (1, 1, h, w): a margin around a part, and an edge that falls smoothly to 0."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

_MARGIN = 32
"""A margin and an edge are this fraction of the image's side wide, at least one pixel."""


def _radius(mask: Tensor) -> int:
    return max(round(mask.shape[-1] / _MARGIN), 1)


def widened(mask: Tensor) -> Tensor:
    """Grown by a margin."""
    radius = _radius(mask)
    grown: Tensor = F.max_pool2d(mask, 2 * radius + 1, stride=1, padding=radius)
    return grown


def feathered(mask: Tensor) -> Tensor:
    """The mean over a square: 1 well inside, 0 beyond the edge."""
    radius = _radius(mask)
    mean: Tensor = F.avg_pool2d(F.pad(mask, [radius] * 4, mode="replicate"), 2 * radius + 1, stride=1)
    return mean.clamp(0, 1)
