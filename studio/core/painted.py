"""A painted area as text: a grid of 32 x 32 cells, row by row, 8 cells a byte, as base64 for URLs without padding.

The grid lies over the cropped picture. The text has 171 characters, which fit into a link and into a saved file.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

SIDE = 32
_BYTES = SIDE * SIDE // 8
LENGTH = -(-_BYTES * 4 // 3)


def cells(text: str) -> list[bool]:
    """The cells of a text, row by row; none is set for an empty one.

    Raises:
        ValueError: the text is no grid.
    """
    if not text:
        return [False] * (SIDE * SIDE)
    try:
        packed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("no base64") from error
    if len(packed) != _BYTES:
        raise ValueError(f"{len(packed)} bytes")
    return [bool(byte >> bit & 1) for byte in packed for bit in range(7, -1, -1)]


def text_of(grid: list[bool]) -> str:
    """The text of 32 x 32 cells; "" if none is set."""
    if not any(grid):
        return ""
    rows = (grid[i : i + 8] for i in range(0, SIDE * SIDE, 8))
    packed = bytes(sum(cell << (7 - bit) for bit, cell in enumerate(row)) for row in rows)
    return urlsafe_b64encode(packed).rstrip(b"=").decode()
