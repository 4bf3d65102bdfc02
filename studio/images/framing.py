"""Where a face stands in a picture, as a `Crop`: as much room around it as the model's own pictures leave.

With the face's square of side s and middle c, turned by a (losses.faces.align), the crop is the square of side
s / share, turned alike, in which c lies at (1/2, down).  Coordinates are continuous: a pixel is 1 wide and the corner
of the picture is (0, 0).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from losses.faces import Square
from studio.core.settings import bounds
from studio.images.crop import Crop

_LIMITS = [bounds(f"crop_{name}") for name in Crop._fields]
# what a finder gets wrong by, in shares of the side and in degrees: closer than that, a picture is left as it is
_NEAR_SIDE, _NEAR_MIDDLE, _NEAR_TURN = 0.2, 0.1, 8.0


class Framing(NamedTuple):
    """How a model's pictures show a face.

    Args:
        share: of the picture's side that the face's square takes.
        down: where the square's middle lies, from the upper edge, in shares of the side.
    """

    share: float
    down: float


CLAY = Framing(0.61, 0.63)
"""Medians over every 24th validation render (64 px, enlarged to 256) in which a face was found, 88 of 100."""
ALIGNED = Framing(0.64, 0.61)
"""FFHQ and what is aligned like it: a side of max(4 |eye to eye|, 3.6 |eyes to mouth|) about the eyes' middle and a
tenth of the way to the mouth (Karras et al. 2018, arXiv 1812.04948, and its dataset's script), for a face with
0.9 |eyes to mouth| between its eyes."""


def around(face: Square, framing: Framing) -> Square:
    """The square that shows this face as a model knows faces."""
    side = face.side / framing.share
    whole = Square(face.x, face.y, side, face.turn)
    x, y = whole.at(0.5, 1 - framing.down)
    return Square(x, y, side, face.turn)


def crop_of(square: Square, width: int, height: int) -> Crop:
    """The crop of a picture of width x height nearest to a square in it; exact where the sliders' ranges allow it."""
    zoom = _within(0, min(width, height) / square.side)
    side = min(width, height) / zoom
    return Crop(
        zoom,
        _within(1, _share(square.x, side, width)),
        _within(2, _share(square.y, side, height)),
        _within(3, -math.degrees(square.turn)),
    )


def square_of(crop: Crop, width: int, height: int) -> Square:
    """The square that a crop cuts out of a picture of width x height, in its pixels; off by less than one."""
    left, top, right, bottom = crop.box(width, height)
    return Square((left + right) / 2, (top + bottom) / 2, right - left, -math.radians(crop.turn))


def near(crop: Crop, other: Crop, width: int, height: int) -> bool:
    """Whether two crops of a picture show a face about equally well."""
    a, b = square_of(crop, width, height), square_of(other, width, height)
    return (
        abs(a.side - b.side) < _NEAR_SIDE * b.side
        and max(abs(a.x - b.x), abs(a.y - b.y)) < _NEAR_MIDDLE * b.side
        and abs(crop.turn - other.turn) < _NEAR_TURN
    )


def stepped(crop: Crop) -> Crop:
    """The crop as the sliders can hold it: hundredths, and half degrees."""
    return Crop(round(crop.zoom, 2), round(crop.x, 2), round(crop.y, 2), round(2 * crop.turn) / 2)


def _share(middle: float, side: float, length: float) -> float:
    """x of a crop whose middle is here; 0 where it cannot move."""
    room = length - side
    return 2 * (middle - side / 2) / room - 1 if room > 1e-9 * length else 0.0


def _within(place: int, value: float) -> float:
    low, high = _LIMITS[place]
    return min(max(value, low), high)
