"""`in_photo`: pastes a result into the photograph, at the position, size and rotation of its crop.

With `up` the resampling of the small square into the photograph, at every pixel

    photo' = photo + mask * (up(after) - photo + keep * (photo - up(before)))
    keep   = exp(-(max over channels |up(after) - up(before)| / 24)^2)

Where the run changed little, the photograph keeps the detail that the small square lacks; where it changed much, only
the result is shown. The mask is 1 inside and falls to 0 at the crop's edge; where it is 0, the photograph is unchanged.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image

from losses.faces import Square
from studio.images.crop import Crop

LARGEST_SIDE = 2048
"""Pixels of the longer side; a larger photograph is reduced."""
_EDGE = 0.08  # width of the mask's slope, in sides of the crop
_CHANGED = 24.0  # 8-bit levels
_BAND = 256  # rows processed at a time
_MARGIN = 2  # pixels of the filter beyond the edge
Window = tuple[int, int, int, int]


def is_part(crop: Crop, width: int, height: int) -> bool:
    """Whether a crop is less than the whole image."""
    return crop.turn != 0 or crop.box(width, height) != (0, 0, width, height)


def in_photo(photo: Image.Image, place: Square, before: Image.Image, after: Image.Image) -> Image.Image:
    """The RGB photograph with `after` at the position of its crop.

    Args:
        photo: the whole photograph.
        place: the crop's square in it.
        before: the crop at the model's size.
        after: the result, of the same size.
    """
    left, top, right, bottom = _box(place, photo.width, photo.height)
    pixels = np.array(photo)
    enlarged = [_enlarged(image, place) for image in (before, after)]
    for upper in range(top, bottom, _BAND):
        lower = min(upper + _BAND, bottom)
        window = (left, upper, right, lower)
        old, new = (_resampled(image, place, window) for image in enlarged)
        original = pixels[upper:lower, left:right].astype(np.float32)
        keep = np.exp(-((np.abs(new - old).max(axis=2, keepdims=True) / _CHANGED) ** 2))
        mixed = original + _mask(place, window)[..., None] * (new - original + keep * (original - old))
        pixels[upper:lower, left:right] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def _box(place: Square, width: int, height: int) -> Window:
    """The bounding box of the square, within the image."""
    xs, ys = zip(*place.corners(), strict=True)
    left, top = max(math.floor(min(xs)), 0), max(math.floor(min(ys)), 0)
    return left, top, max(min(math.ceil(max(xs)), width), left), max(min(math.ceil(max(ys)), height), top)


def _enlarged(image: Image.Image, place: Square) -> Image.Image:
    """An image at the square's side, with its edge repeated as a margin, so that the filter mixes in no black."""
    side = max(round(place.side), 1)
    pixels = np.asarray(image.resize((side, side), Image.Resampling.LANCZOS))
    return Image.fromarray(np.pad(pixels, [(_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)], mode="edge"))


def _resampled(enlarged: Image.Image, place: Square, window: Window) -> Any:
    """An enlarged image in the coordinates of a window of the photograph, (h, w, 3) float32."""
    side = enlarged.width - 2 * _MARGIN
    c, s = side / place.side * math.cos(place.turn), side / place.side * math.sin(place.turn)
    x, y, centre = window[0] - place.x, window[1] - place.y, enlarged.width / 2
    inverse = (c, s, c * x + s * y + centre, -s, c, c * y - s * x + centre)
    size = (window[2] - window[0], window[3] - window[1])
    return np.asarray(enlarged.transform(size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC), np.float32)


def _mask(place: Square, window: Window) -> Any:
    """(h, w) float32: 1 inside, falling smoothly to 0 at the square's edge."""
    x = np.arange(window[0], window[2], dtype=np.float32) + np.float32(0.5 - place.x)
    y = (np.arange(window[1], window[3], dtype=np.float32) + np.float32(0.5 - place.y))[:, None]
    c, s = math.cos(place.turn), math.sin(place.turn)
    inside = 0.5 - np.maximum(np.abs(c * x + s * y), np.abs(c * y - s * x)) / place.side
    share = np.clip(inside / _EDGE, 0, 1)
    return share * share * (3 - 2 * share)
