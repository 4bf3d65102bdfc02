"""Image files are checked before they are decoded: their bytes, format, pixels and the work of decoding them.

A file's header may contain anything, so all that costs time or memory is limited here: the length of the file, width x
height of the header, the scans of a JPEG (each covers the whole image), the tiles of a TIFF (each is allocated whole),
and the seconds of decoding.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from time import monotonic
from typing import Any

from PIL import Image, features

from studio.core.errors import UserError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", *(("AVIF",) if features.check("avif") else ()))
MAX_BYTES = 20 * 2**20
MAX_PIXELS = 40_000_000
MIN_SIDE = 16
MAX_SCANS = 64
DECODE_TIMEOUT = 6.0

_UNREADABLE = "This file cannot be read as a picture: choose a PNG, JPEG or WebP file that opens on your device."
_HEIF = "This HEIC or AVIF picture cannot be read here: save it as JPEG or PNG, and choose that."
_TILE_TAGS = (322, 323)
_UNCOMPRESSED_BMP = (0, 3)


class TooSlow(Exception):
    """Decoding takes more than `DECODE_TIMEOUT` seconds."""


class _TimedFile(io.BytesIO):
    """A file that cannot be read after `DECODE_TIMEOUT` seconds."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._deadline = monotonic() + DECODE_TIMEOUT

    def read(self, size: int | None = -1) -> bytes:
        """Read bytes.

        Raises:
            TooSlow: after the deadline.
        """
        if monotonic() > self._deadline:
            raise TooSlow
        return super().read(size)


def open_picture(path: Path) -> Image.Image:
    """Open an image by its header, without decoding it.

    Raises:
        UserError: the file is missing, empty, too large, too small, or of another format.
        TooSlow: a JPEG with more than `MAX_SCANS` scans.
    """
    data = _read(path)
    if data[:2] == b"\xff\xd8" and data.count(b"\xff\xda") > MAX_SCANS:
        raise TooSlow
    try:
        with warnings.catch_warnings():
            # Pillow warns about sizes below MAX_PIXELS; `check_size` decides
            warnings.simplefilter("ignore")
            image = Image.open(_TimedFile(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise UserError(too_many_pixels()) from error
    except Exception as error:  # a parser of arbitrary bytes may raise anything
        raise UserError(_HEIF if data[4:8] == b"ftyp" else _UNREADABLE) from error
    check_size(image)
    _check_tiles(image)
    if image.format == "BMP" and image.info.get("compression") not in _UNCOMPRESSED_BMP:
        raise UserError(_UNREADABLE)  # run-length encoding: a few bytes may unpack to gigabytes
    return image


def check_size(image: Image.Image) -> None:
    """Check the number of pixels.

    Raises:
        UserError: too many or too few.
    """
    if image.width * image.height > MAX_PIXELS:
        raise UserError(too_many_pixels())
    if min(image.size) < MIN_SIDE:
        raise UserError(
            f"This picture is only {image.width} x {image.height} pixels: "
            f"choose one of at least {MIN_SIDE} x {MIN_SIDE}."
        )


def too_many_pixels() -> str:
    """The error message for an image above `MAX_PIXELS`."""
    return f"This picture has too many pixels: choose one of at most {MAX_PIXELS // 10**6} megapixels."


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:  # uploads are deleted after a while
        raise UserError("This picture is no longer here: choose it again.") from error
    except (OSError, ValueError) as error:
        raise UserError(_UNREADABLE) from error
    if not data:
        raise UserError("This file is empty: choose another picture.")
    if len(data) > MAX_BYTES:
        raise UserError(f"This file is too large: choose one below {MAX_BYTES // 2**20} MB.")
    return data


def _check_tiles(image: Image.Image) -> None:
    """Tiles of a TIFF may be larger than the image itself, and each is decoded whole."""
    tags: Any = getattr(image, "tag_v2", {})
    tile = [tags.get(tag) for tag in _TILE_TAGS]
    if tile == [None, None]:
        return
    if not all(isinstance(side, int) and side > 0 for side in tile):
        raise UserError(_UNREADABLE)
    covered = [-(-whole // side) * side for whole, side in zip(image.size, tile, strict=True)]
    if covered[0] * covered[1] > MAX_PIXELS:
        raise UserError(too_many_pixels())
