"""Pictures in and out: an uploaded file -> a clean square RGB image; image <-> tensor (1, 3, h, w) in [-1, 1].

What a file may hold before it is decoded is in `picture_files`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from studio.core.errors import UserError
from studio.images.crop import Crop, square
from studio.images.files import TooSlow, check_size, open_picture, too_many_pixels

PATIENCE = 30.0
"""Seconds for which a picture waits while others are decoded."""

# The largest picture takes half a gigabyte while it is decoded: one at a time.
_DECODING = Lock()
_WAITING = BoundedSemaphore(8)
"""More would keep threads that others need."""
_BUSY = "Many pictures are being opened at the moment: choose this one again in a minute."
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_COLOURS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV")
_DAMAGED = "This picture is damaged and cannot be decoded to its end: save it again or choose another."


def load_picture(path: str | Path, size: int, crop: Crop = Crop()) -> Image.Image:  # noqa: B008 -- immutable
    """The file as an upright, square, opaque RGB image of `size` x `size` without any metadata.

    Bytes and pixels are counted before anything is decoded: a few hundred kilobytes of PNG can unpack to gigabytes. Of
    an animation this is the first picture.

    Raises:
        UserError: empty, too large, too small, damaged, too slow to decode, or not a picture.
    """
    return _loaded(path, lambda image: square(image, size, crop))


class Whole(NamedTuple):
    """All of a picture, perhaps reduced, and the width and height of its file."""

    image: Image.Image
    width: int
    height: int


def load_whole(path: str | Path, longest: int) -> Whole:
    """The file as an upright, opaque RGB image without any metadata, its longer side at most `longest`.

    Raises:
        UserError: as `load_picture`.
    """
    sizes: list[tuple[int, int]] = []

    def reduced(image: Image.Image) -> Image.Image:
        sizes.append(image.size)
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return image

    image = _loaded(path, reduced)
    return Whole(image, *sizes[0])


def _loaded(path: str | Path, then: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """A file's picture, decoded in its turn and made smaller before the next one's is decoded."""
    if not _WAITING.acquire(blocking=False):
        raise UserError(_BUSY)
    try:
        return _in_turn(path, then)
    finally:
        _WAITING.release()


def _in_turn(path: str | Path, then: Callable[[Image.Image], Image.Image]) -> Image.Image:
    if not _DECODING.acquire(timeout=PATIENCE):
        raise UserError(_BUSY)
    try:
        image = open_picture(Path(path))
        return _bare(then(_on_white(_in_colour(_upright(_decoded(image))))))
    except UserError:
        raise
    except TooSlow as error:
        raise UserError(
            "This picture takes too long to decode: save it again as PNG or plain JPEG, or choose another."
        ) from error
    except (MemoryError, Image.DecompressionBombError) as error:
        raise UserError(too_many_pixels()) from error
    except Exception as error:  # Pillow's decoders report a truncated or damaged body by many kinds of exception
        raise UserError(_DAMAGED) from error
    finally:
        _DECODING.release()


def to_tensor(image: Image.Image) -> Tensor:
    """RGB image -> (1, 3, h, w) float32 in [-1, 1]."""
    levels = torch.from_numpy(np.array(image.convert("RGB"), dtype=np.uint8))
    return levels.permute(2, 0, 1).unsqueeze(0).float() / 127.5 - 1


def to_levels(images: Tensor) -> Tensor:
    """(b, c, h, w) in [-1, 1] -> the nearest 8-bit levels, uint8; values outside are clipped."""
    return ((images.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def to_image(images: Tensor) -> Image.Image:
    """The first of (b, 3, h, w) in [-1, 1] as an 8-bit RGB image."""
    return Image.fromarray(to_levels(images[:1])[0].permute(1, 2, 0).contiguous().numpy())


def enlarge(image: Image.Image, side: int) -> Image.Image:
    """The same picture, at least `side` pixels wide, for eyes only."""
    if image.width >= side:
        return image
    return image.resize((side, side), Image.Resampling.LANCZOS)


def _decoded(image: Image.Image) -> Image.Image:
    """All of the first picture; its size may turn out to be another than the header's."""
    image.load()
    check_size(image)
    return image


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its metadata says; as it is where that is unreadable."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a parser of strangers' bytes may fail in any way, and the pixels are fine
        return image


def _in_colour(image: Image.Image) -> Image.Image:
    """A picture of 8 bits a channel, in a mode that can be shown as RGB.

    Raises:
        UserError: numbers that are no colours.
    """
    if image.mode in _SIXTEEN_BITS:
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode not in _COLOURS:
        raise UserError("This picture keeps its colours in an unusual form: save it as PNG or JPEG, and choose that.")
    return image


def _bare(image: Image.Image) -> Image.Image:
    """Pixels and nothing else: Pillow carries EXIF, position and author along through every step before."""
    return Image.frombytes("RGB", image.size, image.tobytes())


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
