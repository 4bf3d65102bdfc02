"""What changed and where: |after - before| in 8-bit levels, the largest of the three channels, as a heat map.

heat = difference / largest,  so that the brightest point is always the largest change, whose size is told
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

# dark blue, violet, orange, near white: rises in lightness all the way, so it reads in grey as well
_RAMP = np.array([(13, 10, 41), (114, 31, 110), (236, 105, 37), (252, 252, 210)], dtype=float)


@dataclass(frozen=True)
class Difference:
    """The map; the largest and the mean difference in levels of 255; the share of pixels that moved by over 8."""

    image: Image.Image
    largest: int
    mean: float
    moved: float


def difference(before: Image.Image, after: Image.Image) -> Difference:
    """Of two RGB pictures of one size."""
    first, second = (np.asarray(picture.convert("RGB"), dtype=np.int16) for picture in (before, after))
    levels = np.abs(second - first).max(axis=2)
    largest = int(levels.max())
    heat = levels / max(largest, 1) * (len(_RAMP) - 1)
    channels = [np.interp(heat, np.arange(len(_RAMP)), _RAMP[:, channel]) for channel in range(3)]
    picture = Image.fromarray(np.stack(channels, axis=2).round().astype(np.uint8))
    return Difference(picture, largest, float(levels.mean()), float((levels > 8).mean()))
