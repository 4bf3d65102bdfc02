"""Measures of a face crop and its segments: where each segment lies, and the colours of some of them.

A colour is the mean over the middle of the brightness range of a segment, which leaves out highlights and shadows, in
the units log2(0.02 + value) of its sRGB channels, so that a change of exposure is nearly a shift.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.frame import places_along
from clay.people.view import SEGMENTS

CELLS = 8
PLACES = len(SEGMENTS) * CELLS * CELLS
_COLOURED = ("skin", "hair", "beard", "eyes", "background", "clothes")
COLOURS = len(_COLOURED) * 4 + 6 + 3
_FEW = 6.0
"""Pixels of a segment at 48 x 48 below which it has no colour."""
_LEAST_HAIR = 0.015
_AVERAGE_HAIR = (-1.94, 0.48)


def places(segments: Tensor) -> Tensor:
    """Share of each segment in each of 8 x 8 cells, (b, `PLACES`), of its probabilities (b, segments, h, w)."""
    return F.adaptive_avg_pool2d(segments, CELLS).flatten(1)


def colours(crop: Tensor, segments: Tensor) -> Tensor:
    """Colours of the segments, whether each is seen, differences to the skin, range of the hair: (b, `COLOURS`).

    Args:
        crop: (b, 3, 2 h, 2 w) in [-1, 1].
        segments: probabilities, (b, segments, h, w).
    """
    pixels = torch.log2(0.02 + (F.avg_pool2d(crop, 2) + 1) / 2)
    central = _central(segments)
    columns, found = [], {}
    for name in _COLOURED:
        weight = segments[:, SEGMENTS.index(name)]
        weight = torch.where(weight > 0.5, weight, 0.0)
        if name == "skin":
            weight = weight * central
        low, high = (0.6, 1.0) if name == "eyes" else (0.25, 0.85)
        found[name], seen = _middle(pixels, weight, low, high)
        columns += [found[name] * seen, seen]
    columns += [found["hair"] - found["skin"], found["skin"] - found["eyes"]]
    columns.append(_quantiles(pixels, segments[:, SEGMENTS.index("hair")]))
    return torch.cat(columns, dim=1)


def hair_light(columns: Tensor) -> Tensor:
    """Brightness and log2(red / blue) of the hair, (b, 2), of `colours`; those of average hair where none is seen."""
    hair = columns[:, 4 * _COLOURED.index("hair") :]
    shown = torch.stack([hair[:, :3].mean(1), hair[:, 0] - hair[:, 2]], dim=1)
    return torch.where(hair[:, 3:4] > 0, shown, shown.new_tensor(_AVERAGE_HAIR))


def hair_seen(segments: Tensor) -> bool:
    """Whether there is more hair than brows and shadows, by the probabilities (1, segments, h, w) of a photograph."""
    return float((segments[:, SEGMENTS.index("hair")] > 0.5).float().mean()) > _LEAST_HAIR


def _central(segments: Tensor) -> Tensor:
    """1 where the cheeks, the nose and the forehead are, 0 elsewhere, (1, h, w)."""
    size = segments.shape[-1]
    steps = places_along(size)
    v, u = torch.meshgrid(steps, steps, indexing="ij")
    return ((u.abs() < 0.95) & (v > -0.9) & (v < 1.3))[None].to(segments)


def _middle(pixels: Tensor, weight: Tensor, low: float, high: float) -> tuple[Tensor, Tensor]:
    """The mean (b, 3) between two quantiles of brightness of the weighted pixels, and whether there are any (b, 1)."""
    light = pixels.mean(1).flatten(1)
    order = light.argsort(1)
    w = weight.flatten(1).gather(1, order)
    total = w.sum(1, keepdim=True)
    share = w.cumsum(1) / total.clamp(min=1e-6)
    w = w * ((share >= low) & (share <= high))
    flat = pixels.flatten(2).gather(2, order[:, None].expand(-1, 3, -1))
    mean = (flat * w[:, None]).sum(2) / w.sum(1, keepdim=True).clamp(min=1e-6)
    seen = (total > _FEW).to(pixels)
    return torch.where(seen > 0, mean, torch.zeros_like(mean)), seen


def _quantiles(pixels: Tensor, weight: Tensor) -> Tensor:
    """Brightness of the hair at its 10th, 50th and 90th percentile, (b, 3); 0 without hair."""
    light = pixels.mean(1).flatten(1)
    order = light.argsort(1)
    w = torch.where(weight > 0.5, weight, 0.0).flatten(1).gather(1, order)
    total = w.sum(1, keepdim=True)
    share = w.cumsum(1) / total.clamp(min=1e-6)
    sorted_light = light.gather(1, order)
    ends = [sorted_light.gather(1, (share >= q).float().argmax(1, keepdim=True)) for q in (0.1, 0.5, 0.9)]
    return torch.where(total > _FEW, torch.cat(ends, dim=1), 0.0)


def background_and_clothes(crop: Tensor, segments: Tensor) -> tuple[Tensor, Tensor | None]:
    """Median sRGB colours in [0, 1], (3,), of one crop's background and clothes; None if there are hardly any clothes.

    Args:
        crop: (1, 3, 2 h, 2 w) in [-1, 1].
        segments: probabilities, (1, segments, h, w).
    """
    pixels = ((F.avg_pool2d(crop, 2) + 1) / 2)[0].flatten(1)
    kinds = segments[0].argmax(0).flatten()
    behind, worn = (pixels[:, kinds == SEGMENTS.index(name)] for name in ("background", "clothes"))
    background = behind.median(1).values if behind.shape[1] > _FEW else pixels.new_full((3,), 0.9)
    return background, worn.median(1).values if worn.shape[1] > 4 * _FEW else None
