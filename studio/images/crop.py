"""`Crop`: which square of a picture the model sees.

With side s = min(w, h) / zoom, the middle is  c_x = s/2 + (1 + x)/2 (w - s),  c_y likewise; the picture is turned
about it. (1, 0, 0, 0) is the largest square in the middle, upright.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from studio.core.settings import Settings, bounds


class Crop(NamedTuple):
    """zoom >= 1; x, y in [-1, 1] from edge to edge; turn in degrees, clockwise."""

    zoom: float = 1.0
    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0

    @classmethod
    def of_first(cls, settings: Settings) -> Crop:
        """That of the picture to change."""
        return cls(settings.crop_zoom, settings.crop_x, settings.crop_y, settings.crop_turn)

    @classmethod
    def of_second(cls, settings: Settings) -> Crop:
        """That of the picture to move towards."""
        return cls(settings.second_zoom, settings.second_x, settings.second_y, settings.second_turn)

    @classmethod
    def held(cls, values: Sequence[float | None]) -> Crop:
        """What sliders hold, within their ranges, whatever was typed on the way there."""
        limits = [bounds(f"crop_{name}") for name in cls._fields]
        given = [
            default if value is None else min(max(float(value), low), high)
            for value, (low, high), default in zip(values, limits, cls(), strict=True)
        ]
        return cls(*given)

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in whole pixels, before the turn."""
        side = max(round(min(width, height) / self.zoom), 1)
        left, top = round((1 + self.x) / 2 * (width - side)), round((1 + self.y) / 2 * (height - side))
        return left, top, left + side, top + side


def square(image: Image.Image, size: int, crop: Crop) -> Image.Image:
    """The crop of an RGB image at `size` x `size`; what a turn brings in from outside repeats the edge."""
    box = crop.box(image.width, image.height)
    part = _turned(image, box, crop.turn, most=8 * size) if crop.turn else image.crop(box)
    return part.resize((size, size), Image.Resampling.LANCZOS)


def _turned(image: Image.Image, box: tuple[int, int, int, int], turn: float, most: int) -> Image.Image:
    """The box, turned about its middle: cut out with room for its diagonal, turned, and cut to size.

    A side above `most` pixels is reduced first: a turned photo of a phone would take a second.
    """
    side = box[2] - box[0]
    if (factor := side // most) > 1:
        left, top = box[0] // factor, box[1] // factor
        return _turned(image.reduce(factor), (left, top, left + side // factor, top + side // factor), turn, most)
    room = side // 4 + 2  # (sqrt(2) - 1) / 2 of the side, and a little more for the filter
    wanted = (box[0] - room, box[1] - room, box[2] + room, box[3] + room)
    inside = (max(wanted[0], 0), max(wanted[1], 0), min(wanted[2], image.width), min(wanted[3], image.height))
    missing = [abs(edge - wanted[i]) for i, edge in enumerate(inside)]
    part = np.pad(
        np.asarray(image.crop(inside)), [(missing[1], missing[3]), (missing[0], missing[2]), (0, 0)], mode="edge"
    )
    turned = Image.fromarray(part).rotate(-turn, Image.Resampling.BICUBIC)
    return turned.crop((room, room, room + side, room + side))
