"""What a picture's file may be before any of it is decoded: its bytes, its kind, its pixels, the work it asks for.

A file may say of itself whatever its maker wants. So everything that costs time or memory is bounded by what is
counted here: the file's length, width x height of the header, the scans of a JPEG (each goes over the whole picture),
the tiles of a TIFF (each is allocated whole), and the seconds since its decoding began.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from time import monotonic
from typing import Any

from PIL import Image

from studio.core.errors import UserError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
LARGEST_FILE = 20 * 2**20
MOST_PIXELS = 40_000_000
SMALLEST_SIDE = 16
MOST_SCANS = 64
SECONDS = 6.0

_UNREADABLE = "This file cannot be read as a picture: choose a PNG, JPEG or WebP file that opens on your device."
_PHONES = "Pictures in HEIC or AVIF form are not read here: save it as JPEG or PNG, and choose that."
_TILE = (322, 323)
_BMP_PLAIN = (0, 3)


class TooSlow(Exception):
    """Decoding has taken more than `SECONDS`."""


class _Hurried(io.BytesIO):
    """A file that ends a decoder which comes back for more after its time is up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._until = monotonic() + SECONDS

    def read(self, size: int | None = -1) -> bytes:
        """As of any file.

        Raises:
            TooSlow: time is up.
        """
        if monotonic() > self._until:
            raise TooSlow
        return super().read(size)


def open_picture(path: Path) -> Image.Image:
    """The picture by its header; nothing is decoded.

    Raises:
        UserError: no longer there, empty, too large, too small, or of another kind.
        TooSlow: a JPEG with more scans than any honest one has.
    """
    data = _read(path)
    if data[:2] == b"\xff\xd8" and data.count(b"\xff\xda") > MOST_SCANS:
        raise TooSlow
    try:
        with warnings.catch_warnings():
            # Pillow's own size warning comes between its limit and ours; `check_size` has the last word.
            warnings.simplefilter("ignore")
            image = Image.open(_Hurried(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise UserError(too_many_pixels()) from error
    except Exception as error:  # a parser of strangers' bytes may fail in any way
        raise UserError(_PHONES if data[4:8] == b"ftyp" else _UNREADABLE) from error
    check_size(image)
    _check_tiles(image)
    if image.format == "BMP" and image.info.get("compression") not in _BMP_PLAIN:
        raise UserError(_UNREADABLE)  # a few bytes of run lengths unpack to gigabytes
    return image


def check_size(image: Image.Image) -> None:
    """Nothing, where the picture has as many pixels as it should.

    Raises:
        UserError: too many or too few.
    """
    if image.width * image.height > MOST_PIXELS:
        raise UserError(too_many_pixels())
    if min(image.size) < SMALLEST_SIDE:
        raise UserError(
            f"This picture is only {image.width} x {image.height} pixels: "
            f"choose one of at least {SMALLEST_SIDE} x {SMALLEST_SIDE}."
        )


def too_many_pixels() -> str:
    """What a person reads then."""
    return f"This picture has too many pixels: choose one of at most {MOST_PIXELS // 10**6} megapixels."


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:  # uploads are deleted after a while
        raise UserError("This picture is no longer here: choose it again.") from error
    except (OSError, ValueError) as error:
        raise UserError(_UNREADABLE) from error
    if not data:
        raise UserError("This file is empty: choose another picture.")
    if len(data) > LARGEST_FILE:
        raise UserError(f"This file is too large: choose one below {LARGEST_FILE // 2**20} MB.")
    return data


def _check_tiles(image: Image.Image) -> None:
    """Tiles of a TIFF may be larger than the picture that they belong to; each is decoded whole."""
    tags: Any = getattr(image, "tag_v2", {})
    tile = [tags.get(tag) for tag in _TILE]
    if tile == [None, None]:
        return
    if not all(isinstance(side, int) and side > 0 for side in tile):
        raise UserError(_UNREADABLE)
    covered = [-(-whole // side) * side for whole, side in zip(image.size, tile, strict=True)]
    if covered[0] * covered[1] > MOST_PIXELS:
        raise UserError(too_many_pixels())
