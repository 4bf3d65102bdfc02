"""Pictures in and out: an uploaded file -> a clean square RGB image; image <-> tensor (1, 3, h, w) in [-1, 1]."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from studio.crop import Crop, square
from studio.messages import UserError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
LARGEST_FILE = 20 * 2**20
MOST_PIXELS = 40_000_000
SMALLEST_SIDE = 16

_UNREADABLE = "This file cannot be read as a picture: choose a PNG, JPEG or WebP file that opens on your device."


def load_picture(path: str | Path, size: int, crop: Crop = Crop()) -> Image.Image:  # noqa: B008 -- immutable
    """The file as an upright, square, opaque RGB image of `size` x `size` without any metadata.

    Bytes and pixels are counted before anything is decoded: a few hundred kilobytes of PNG can unpack to gigabytes.

    Raises:
        UserError: empty, too large, too small, damaged, or not a picture.
    """
    image = _open(Path(path))
    _check_size(image)
    try:
        return _bare(square(_on_white(ImageOps.exif_transpose(image)), size, crop))
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # Pillow's decoders report a truncated or damaged body by any of these.
        raise UserError(
            "This picture is damaged and cannot be decoded to its end: save it again or choose another."
        ) from error


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


def _open(path: Path) -> Image.Image:
    try:
        length = path.stat().st_size
    except FileNotFoundError as error:  # uploads are deleted after a while
        raise UserError("This picture is no longer here: choose it again.") from error
    if length == 0:
        raise UserError("This file is empty: choose another picture.")
    if length > LARGEST_FILE:
        raise UserError(f"This file is too large: choose one below {LARGEST_FILE // 2**20} MB.")
    try:
        with warnings.catch_warnings():
            # Pillow's own size warning comes between its limit and ours; `_check_size` has the last word.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise UserError(_too_many_pixels()) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(_UNREADABLE) from error


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise UserError(_too_many_pixels())
    if min(image.size) < SMALLEST_SIDE:
        raise UserError(
            f"This picture is only {image.width} x {image.height} pixels: "
            f"choose one of at least {SMALLEST_SIDE} x {SMALLEST_SIDE}."
        )


def _too_many_pixels() -> str:
    return f"This picture has too many pixels: choose one of at most {MOST_PIXELS // 10**6} megapixels."


def _bare(image: Image.Image) -> Image.Image:
    """Pixels and nothing else: Pillow carries EXIF, position and author along through every step before."""
    return Image.frombytes("RGB", image.size, image.tobytes())


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
