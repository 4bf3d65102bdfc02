"""The pictures of a run in one file: tiles of a WebP, row by row, as many in a row as in a column.

An animation would merge frames that are equal, and a browser cannot show a chosen frame of it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image

from studio.core.errors import UserError
from studio.export.provenance import exif, xmp

MOST = 8192
"""Largest side of the file in pixels; the format ends at 16383."""
_QUALITY = 90


def columns(count: int) -> int:
    """Tiles in a row for so many pictures."""
    return math.ceil(math.sqrt(count))


def to_tiles(frames: Sequence[Image.Image], quality: int = _QUALITY) -> bytes:
    """Square pictures of one size as a WebP, reduced where it would be larger than the format allows."""
    across = columns(len(frames))
    side = min(frames[0].width, MOST // across)
    sheet = Image.new("RGB", (across * side, math.ceil(len(frames) / across) * side))
    for i, frame in enumerate(frames):
        tile = frame if frame.width == side else frame.resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(tile, (i % across * side, i // across * side))
    stream = io.BytesIO()
    sheet.save(stream, "WEBP", quality=quality, method=4, exif=exif(), xmp=xmp().encode())
    return stream.getvalue()


def of_tiles(data: bytes, count: int) -> list[Image.Image]:
    """The pictures of `to_tiles`.

    Raises:
        UserError: the file is damaged, or has no place for so many pictures.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as opened:
            sheet = opened.convert("RGB")
    except Exception as error:  # a parser of arbitrary bytes may raise anything
        raise UserError("The pictures of the steps are damaged: make the run again.") from error
    across = columns(count)
    side = sheet.width // across
    if not side or sheet.height != math.ceil(count / across) * side:
        raise UserError("The pictures of the steps do not belong to this result: make the run again.")
    places = ((i % across * side, i // across * side) for i in range(count))
    return [sheet.crop((x, y, x + side, y + side)) for x, y in places]
