"""Loading: an uploaded file -> a square RGB image without metadata; image <-> tensor (1, 3, h, w) in [-1, 1].

The checks before decoding are in `studio.images.files`.
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
from studio.images.crop import Crop, crop_image
from studio.images.files import TooSlow, check_size, open_picture, too_many_pixels

QUEUE_TIMEOUT = 30.0
"""Seconds for which an image waits while others are decoded."""

_DECODING = Lock()
"""One image at a time: the largest needs half a gigabyte."""
_QUEUE = BoundedSemaphore(8)
"""Each image in the queue blocks a thread of the server."""
_BUSY = "Many pictures are being opened at the moment: choose this one again in a minute."
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_COLOURS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV")
_DAMAGED = "This picture is damaged and cannot be decoded to its end: save it again or choose another."


def load_picture(path: str | Path, size: int, crop: Crop = Crop()) -> Image.Image:  # noqa: B008 -- immutable
    """The crop of an image file as an upright, opaque RGB image of `size` x `size` without metadata.

    Bytes and pixels are checked before decoding: a PNG of some hundred kilobytes can unpack to gigabytes. An animation
    gives its first frame.

    Raises:
        UserError: the file is empty, too large, too small, damaged, too slow to decode, or not an image.
    """
    return _load(path, lambda image: crop_image(image, size, crop))


class WholeImage(NamedTuple):
    """An uncropped image, perhaps reduced, and the width and height of its file."""

    image: Image.Image
    width: int
    height: int


def load_whole(path: str | Path, max_side: int) -> WholeImage:
    """An image file as an upright, opaque RGB image without metadata, its longer side at most `max_side` pixels.

    Raises:
        UserError: as `load_picture`.
    """
    sizes: list[tuple[int, int]] = []

    def reduce(image: Image.Image) -> Image.Image:
        sizes.append(image.size)
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return image

    image = _load(path, reduce)
    return WholeImage(image, *sizes[0])


def _load(path: str | Path, transform: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Decode a file after those before it in the queue, and apply a transform that makes it smaller."""
    if not _QUEUE.acquire(blocking=False):
        raise UserError(_BUSY)
    try:
        return _decode(path, transform)
    finally:
        _QUEUE.release()


def _decode(path: str | Path, transform: Callable[[Image.Image], Image.Image]) -> Image.Image:
    if not _DECODING.acquire(timeout=QUEUE_TIMEOUT):
        raise UserError(_BUSY)
    try:
        image = open_picture(Path(path))
        return _without_metadata(transform(_on_white(_to_8_bits(_upright(_load_pixels(image))))))
    except UserError:
        raise
    except TooSlow as error:
        raise UserError(
            "This picture takes too long to decode: save it again as PNG or plain JPEG, or choose another."
        ) from error
    except (MemoryError, Image.DecompressionBombError) as error:
        raise UserError(too_many_pixels()) from error
    except Exception as error:  # Pillow's decoders raise many kinds of exception for damaged files
        raise UserError(_DAMAGED) from error
    finally:
        _DECODING.release()


def to_tensor(image: Image.Image) -> Tensor:
    """RGB image -> (1, 3, h, w) float32 in [-1, 1]."""
    levels = torch.from_numpy(np.array(image.convert("RGB"), dtype=np.uint8))
    return levels.permute(2, 0, 1).unsqueeze(0).float() / 127.5 - 1


def to_levels(images: Tensor) -> Tensor:
    """(b, c, h, w) in [-1, 1] -> the nearest 8-bit levels, uint8; other values are clipped."""
    return ((images.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def to_image(images: Tensor) -> Image.Image:
    """The first of (b, 3, h, w) in [-1, 1] as an 8-bit RGB image."""
    return Image.fromarray(to_levels(images[:1])[0].permute(1, 2, 0).contiguous().numpy())


def enlarge(image: Image.Image, side: int) -> Image.Image:
    """The image, enlarged to `side` x `side` if it is smaller."""
    if image.width >= side:
        return image
    return image.resize((side, side), Image.Resampling.LANCZOS)


def _load_pixels(image: Image.Image) -> Image.Image:
    """Decode the first frame; its size may differ from the header's."""
    image.load()
    check_size(image)
    return image


def _upright(image: Image.Image) -> Image.Image:
    """Rotated by its EXIF orientation; unchanged if that is unreadable."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a parser of arbitrary bytes may raise anything, and the pixels are intact
        return image


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Convert to 8 bits a channel, in a mode that Pillow converts to RGB.

    Raises:
        UserError: another mode, such as float.
    """
    if image.mode in _SIXTEEN_BITS:
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode not in _COLOURS:
        raise UserError("The colour format of this picture is not supported: save it as PNG or JPEG, and choose that.")
    return image


def _without_metadata(image: Image.Image) -> Image.Image:
    """The pixels alone: Pillow keeps EXIF data such as position and author through every other operation."""
    return Image.frombytes("RGB", image.size, image.tobytes())


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
