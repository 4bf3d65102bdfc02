"""Malformed image files: false headers, truncated bodies, contradicting parts."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"


def honest(form: str = "PNG", size: tuple[int, int] = (48, 40), mode: str = "RGB", **options: Any) -> bytes:
    """A valid image."""
    stream = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert(mode).save(stream, form, **options)
    return stream.getvalue()


def chunk(kind: bytes, data: bytes, crc: int | None = None, length: int | None = None) -> bytes:
    """A chunk of a PNG, valid by default."""
    check = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data) if length is None else length) + kind + data + struct.pack(">I", check)


def png(
    width: int = 32,
    height: int = 32,
    *more: bytes,
    depth: int = 8,
    colour: int = 2,
    body: bytes | None = None,
    interlace: int = 0,
) -> bytes:
    """A PNG by its header; its body is as long as a 32 x 32 one's unless given."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    pixels = zlib.compress(bytes((1 + 3 * 32) * 32)) if body is None else body
    return PNG + b"".join([chunk(b"IHDR", header), *more, chunk(b"IDAT", pixels), chunk(b"IEND", b"")])


def bomb(side: int) -> bytes:
    """A valid PNG of side x side black pixels, compressed to a thousandth of their size."""
    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return png(side, side, depth=1, colour=0, body=body)


def progressive(scans: int, size: int = 64) -> bytes:
    """A JPEG whose last scan is repeated; each covers the whole image."""
    data = honest("JPEG", (size, size), progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * max(scans - data.count(b"\xff\xda"), 0) + data[-2:]


def tiff(tags: Mapping[int, int], data: bytes = bytes(100), following: int = 0) -> bytes:
    """A little-endian TIFF with one directory of 32-bit tags; `following` is the offset of the next one."""
    start = 8 + len(data)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return b"II*\0" + struct.pack("<I", start) + data + directory


def strips(width: int, height: int, **others: int) -> dict[int, int]:
    """The tags of a grey picture in one strip; others as t322=30000."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: width * height}
    return {**tags, **{int(name[1:]): value for name, value in others.items()}}


def webp(width: int, height: int, frames: int = 1) -> bytes:
    """An animated WebP whose canvas claims a size; its frames are 16 x 16."""
    small = honest("WEBP", (16, 16), lossless=True)[12:]
    frame = bytes(6) + b"\x0f\0\0" * 2 + b"\x64\0\0" + b"\0" + small
    canvas = b"\2\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    parts = [_riff(b"VP8X", canvas), _riff(b"ANIM", bytes(6)), *[_riff(b"ANMF", frame)] * frames]
    return _riff(b"RIFF", b"WEBP" + b"".join(parts))


def gif(screen: tuple[int, int], frame: tuple[int, int], packed: bytes = b"\x02\x02\x4c\x01\x00") -> bytes:
    """A GIF whose one frame claims another size than its screen."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + packed + b";"


def bmp(width: int, height: int, bits: int = 24, offset: int = 54, data: bytes = bytes(3072)) -> bytes:
    """A BMP by its header."""
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, offset) + info + data


def exif(orientation: bytes) -> bytes:
    """A JPEG with this as its orientation tag's entry (type, count, value)."""
    body = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01" + orientation + b"\0\0\0\0"
    data = honest("JPEG")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def text_chunks(pairs: Sequence[tuple[str, str]], packed: bool = False) -> bytes:
    """A PNG with these texts before its pixels."""
    make = _ztxt if packed else _text
    made = {pair: make(*pair) for pair in set(pairs)}
    return png(32, 32, *(made[pair] for pair in pairs))


def _text(key: str, value: str) -> bytes:
    return chunk(b"tEXt", key.encode("latin-1") + b"\0" + value.encode("latin-1", "replace"))


def _ztxt(key: str, value: str) -> bytes:
    return chunk(b"zTXt", key.encode("latin-1") + b"\0\0" + zlib.compress(value.encode("latin-1", "replace"), 9))


def _riff(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
