"""The crop around a face, framed like the faces in the model's training images.

For a face's square of side s and centre c, rotated by a (losses.faces.align), the crop is the square of side s / share,
rotated by a, in which c lies at (1/2, down).  Coordinates are continuous: a pixel is 1 wide and the image's corner is
(0, 0).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from losses.faces import Square
from studio.core.settings import bounds
from studio.images.crop import Crop

_LIMITS = [bounds(f"crop_{name}") for name in Crop._fields]
# the detector's error, in shares of the side and in degrees: crops within it are similar
_SIDE_TOLERANCE, _CENTRE_TOLERANCE, _TURN_TOLERANCE = 0.2, 0.1, 8.0


class Framing(NamedTuple):
    """The size and position of a face in a model's training images.

    Args:
        share: side of the face's square, in sides of the image.
        down: distance of the square's centre from the upper edge, in sides of the image.
    """

    share: float
    down: float


CLAY = Framing(0.61, 0.63)
"""Medians over every 24th validation render (64 px, enlarged to 256) in which a face was detected, 88 of 100."""
ALIGNED = Framing(0.64, 0.61)
"""Images aligned like FFHQ: a side of max(4 |eye to eye|, 3.6 |eyes to mouth|), centred at the eyes' middle and a
tenth of the way to the mouth (Karras et al. 2018, arXiv 1812.04948, and its dataset's script), for a face with
0.9 |eyes to mouth| between its eyes."""


def face_square(face: Square, framing: Framing) -> Square:
    """The square that shows a face with this framing."""
    side = face.side / framing.share
    whole = Square(face.x, face.y, side, face.turn)
    x, y = whole.at(0.5, 1 - framing.down)
    return Square(x, y, side, face.turn)


def crop_of(square: Square, width: int, height: int) -> Crop:
    """The crop of an image of width x height nearest to a square in it; exact within the sliders' ranges."""
    zoom = _clamped(0, min(width, height) / square.side)
    side = min(width, height) / zoom
    return Crop(
        zoom,
        _clamped(1, _offset(square.x, side, width)),
        _clamped(2, _offset(square.y, side, height)),
        _clamped(3, -math.degrees(square.turn)),
    )


def square_of(crop: Crop, width: int, height: int) -> Square:
    """The square of a crop in an image of width x height, in pixels, with an error below one."""
    left, top, right, bottom = crop.box(width, height)
    return Square((left + right) / 2, (top + bottom) / 2, right - left, -math.radians(crop.turn))


def is_similar(crop: Crop, other: Crop, width: int, height: int) -> bool:
    """Whether two crops of an image differ by no more than the detector's error."""
    a, b = square_of(crop, width, height), square_of(other, width, height)
    return (
        abs(a.side - b.side) < _SIDE_TOLERANCE * b.side
        and max(abs(a.x - b.x), abs(a.y - b.y)) < _CENTRE_TOLERANCE * b.side
        and abs(crop.turn - other.turn) < _TURN_TOLERANCE
    )


def rounded(crop: Crop) -> Crop:
    """The crop rounded to the sliders' steps: hundredths, and half degrees."""
    return Crop(round(crop.zoom, 2), round(crop.x, 2), round(crop.y, 2), round(2 * crop.turn) / 2)


def _offset(centre: float, side: float, length: float) -> float:
    """x or y of a crop with this centre; 0 if the crop is as long as the image."""
    margin = length - side
    return 2 * (centre - side / 2) / margin - 1 if margin > 1e-9 * length else 0.0


def _clamped(field: int, value: float) -> float:
    low, high = _LIMITS[field]
    return min(max(value, low), high)
