"""`Crop`: the square of an image that the model receives.

With side s = min(w, h) / zoom, the centre is  c_x = s/2 + (1 + x)/2 (w - s),  c_y likewise, and the image is rotated
about it. (1, 0, 0, 0) is the largest centred square, upright.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from studio.core.settings import Settings, bounds


class Crop(NamedTuple):
    """zoom >= 1; x and y in [-1, 1], from edge to edge; turn in degrees, clockwise."""

    zoom: float = 1.0
    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0

    @classmethod
    def of_first(cls, settings: Settings) -> Crop:
        """The crop of the image to change."""
        return cls(settings.crop_zoom, settings.crop_x, settings.crop_y, settings.crop_turn)

    @classmethod
    def of_second(cls, settings: Settings) -> Crop:
        """The crop of the target image."""
        return cls(settings.second_zoom, settings.second_x, settings.second_y, settings.second_turn)

    @classmethod
    def clamped(cls, values: Sequence[float | None]) -> Crop:
        """The crop of slider values, moved into their ranges; None stands for the default."""
        limits = [bounds(f"crop_{name}") for name in cls._fields]
        clamped = [
            default if value is None else min(max(float(value), low), high)
            for value, (low, high), default in zip(values, limits, cls(), strict=True)
        ]
        return cls(*clamped)

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in whole pixels, before the rotation."""
        side = max(round(min(width, height) / self.zoom), 1)
        left, top = round((1 + self.x) / 2 * (width - side)), round((1 + self.y) / 2 * (height - side))
        return left, top, left + side, top + side


def crop_image(image: Image.Image, size: int, crop: Crop) -> Image.Image:
    """The crop of an RGB image, resized to `size` x `size`; a rotation repeats the edge outside the image."""
    box = crop.box(image.width, image.height)
    part = _rotated(image, box, crop.turn, max_side=8 * size) if crop.turn else image.crop(box)
    return part.resize((size, size), Image.Resampling.LANCZOS)


def _rotated(image: Image.Image, box: tuple[int, int, int, int], turn: float, max_side: int) -> Image.Image:
    """The box, rotated about its centre: cropped with a margin for its diagonal, rotated, and cropped to size.

    A side above `max_side` pixels is reduced first: rotating a photograph of a phone would take a second.
    """
    side = box[2] - box[0]
    if (factor := side // max_side) > 1:
        left, top = box[0] // factor, box[1] // factor
        box = (left, top, left + side // factor, top + side // factor)
        return _rotated(image.reduce(factor), box, turn, max_side)
    margin = side // 4 + 2  # at least (sqrt(2) - 1) / 2 of the side, and the width of the filter
    outer = (box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin)
    inside = (max(outer[0], 0), max(outer[1], 0), min(outer[2], image.width), min(outer[3], image.height))
    missing = [abs(edge - outer[i]) for i, edge in enumerate(inside)]
    part = np.pad(
        np.asarray(image.crop(inside)), [(missing[1], missing[3]), (missing[0], missing[2]), (0, 0)], mode="edge"
    )
    rotated = Image.fromarray(part).rotate(-turn, Image.Resampling.BICUBIC)
    return rotated.crop((margin, margin, margin + side, margin + side))
