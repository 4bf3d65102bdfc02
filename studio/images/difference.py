"""The difference of two images: max over channels of |after - before|, in 8-bit levels, as a heat map.

heat = difference / largest,  so the brightest point is always the largest change
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

# dark blue, violet, orange, near white: lightness increases monotonically, so it works in grey as well
_COLOURS = np.array([(13, 10, 41), (114, 31, 110), (236, 105, 37), (252, 252, 210)], dtype=float)


@dataclass(frozen=True)
class Difference:
    """The heat map; the largest and the mean difference in 8-bit levels; the share of pixels that changed by over 8."""

    image: Image.Image
    largest: int
    mean: float
    changed: float


def difference(before: Image.Image, after: Image.Image) -> Difference:
    """The difference of two RGB images of one size."""
    first, second = (np.asarray(image.convert("RGB"), dtype=np.int16) for image in (before, after))
    levels = np.abs(second - first).max(axis=2)
    largest = int(levels.max())
    heat = levels / max(largest, 1) * (len(_COLOURS) - 1)
    channels = [np.interp(heat, np.arange(len(_COLOURS)), _COLOURS[:, channel]) for channel in range(3)]
    image = Image.fromarray(np.stack(channels, axis=2).round().astype(np.uint8))
    return Difference(image, largest, float(levels.mean()), float((levels > 8).mean()))
