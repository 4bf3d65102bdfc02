"""`in_photo`: a result back at its crop's place, size and turn in the picture that it was cut from.

With `up` the enlarging and turning of a square back into the picture, and differences taken at every pixel,

    picture' = picture + mask * (up(after) - picture + keep * (picture - up(before)))
    keep     = exp(-(max over colours |up(after) - up(before)| / 24)^2)

so where the model changed nothing the picture's own detail stays, which its small square could not hold, and where it
changed much there is the result alone. The mask is 1 inside and falls to 0 along the crop's edge; where it is 0, the
picture is untouched.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image

from losses.faces import Square
from studio.images.crop import Crop

LARGEST_SIDE = 2048
"""Pixels of the longer side; a larger picture is reduced."""
_EDGE = 0.08  # of the crop's side, over which the mask falls
_CHANGED = 24.0  # 8-bit levels
_BANDS = 256  # rows worked on at a time
_ROOM = 2  # pixels that the filter looks at beyond the edge
Window = tuple[int, int, int, int]


def is_part(crop: Crop, width: int, height: int) -> bool:
    """Whether a crop leaves any of the picture out."""
    return crop.turn != 0 or crop.box(width, height) != (0, 0, width, height)


def in_photo(photo: Image.Image, place: Square, before: Image.Image, after: Image.Image) -> Image.Image:
    """The RGB picture with `after` where `before` was cut from it.

    Args:
        photo: the whole picture.
        place: where the crop lies in it.
        before: the crop as the model saw it.
        after: what became of it, of the same size.
    """
    left, top, right, bottom = _box(place, photo.width, photo.height)
    pixels = np.array(photo)
    enlarged = [_enlarged(image, place) for image in (before, after)]
    for upper in range(top, bottom, _BANDS):
        lower = min(upper + _BANDS, bottom)
        window = (left, upper, right, lower)
        was, now = (_laid(image, place, window) for image in enlarged)
        here = pixels[upper:lower, left:right].astype(np.float32)
        keep = np.exp(-((np.abs(now - was).max(axis=2, keepdims=True) / _CHANGED) ** 2))
        mixed = here + _mask(place, window)[..., None] * (now - here + keep * (here - was))
        pixels[upper:lower, left:right] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def _box(place: Square, width: int, height: int) -> Window:
    """The pixels that hold the square, within the picture."""
    xs, ys = zip(*place.corners(), strict=True)
    left, top = max(math.floor(min(xs)), 0), max(math.floor(min(ys)), 0)
    return left, top, max(min(math.ceil(max(xs)), width), left), max(min(math.ceil(max(ys)), height), top)


def _enlarged(image: Image.Image, place: Square) -> Image.Image:
    """A square image at its side in the picture, with its edge repeated around it, or a filter would mix in black."""
    side = max(round(place.side), 1)
    pixels = np.asarray(image.resize((side, side), Image.Resampling.LANCZOS))
    return Image.fromarray(np.pad(pixels, [(_ROOM, _ROOM), (_ROOM, _ROOM), (0, 0)], mode="edge"))


def _laid(enlarged: Image.Image, place: Square, window: Window) -> Any:
    """An enlarged image as it lies in a window of the picture, (h, w, 3) float32."""
    side = enlarged.width - 2 * _ROOM
    c, s = side / place.side * math.cos(place.turn), side / place.side * math.sin(place.turn)
    x, y, middle = window[0] - place.x, window[1] - place.y, enlarged.width / 2
    inverse = (c, s, c * x + s * y + middle, -s, c, c * y - s * x + middle)
    size = (window[2] - window[0], window[3] - window[1])
    return np.asarray(enlarged.transform(size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC), np.float32)


def _mask(place: Square, window: Window) -> Any:
    """(h, w) float32: 1 inside, smoothly to 0 at the square's edge."""
    x = np.arange(window[0], window[2], dtype=np.float32) + np.float32(0.5 - place.x)
    y = (np.arange(window[1], window[3], dtype=np.float32) + np.float32(0.5 - place.y))[:, None]
    c, s = math.cos(place.turn), math.sin(place.turn)
    inside = 0.5 - np.maximum(np.abs(c * x + s * y), np.abs(c * y - s * x)) / place.side
    share = np.clip(inside / _EDGE, 0, 1)
    return share * share * (3 - 2 * share)
