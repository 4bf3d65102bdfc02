"""Conversions between images on disk, images of the data set and inputs of the networks."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def to_unit(images: Tensor) -> Tensor:
    """uint8 in 0..255 -> float32 in [-1, 1], of the same shape."""
    return images.float() / 127.5 - 1


def to_bytes(image: Tensor) -> np.ndarray:
    """(b, 3, h, w) in [-1, 1] -> (b, h, w, 3) uint8, rounded; other values are clamped."""
    levels = (image.detach().float().clamp(-1, 1) + 1) * 127.5 + 0.5
    return np.asarray(levels.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy())


def as_channels_first(images: np.ndarray) -> Tensor:
    """(n, h, w, 3) uint8 -> (n, 3, h, w) uint8 tensor."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def fit_input(image: Tensor, size: int) -> Tensor:
    """Resize (b, 3, h, w) to (b, 3, size, size), bicubic with antialiasing; differentiable.

    Raises:
        ValueError: the image has another shape.
    """
    if image.ndim != 4 or image.shape[1] != 3:
        raise ValueError(f"image must have shape (b, 3, h, w), but has {tuple(image.shape)}.")
    if image.shape[-2:] == (size, size):
        return image
    return F.interpolate(image, (size, size), mode="bicubic", antialias=True, align_corners=False)


def backbone_input(image: Tensor, fold: int) -> Tensor:
    """Resize (b, 3, h, w) to 64 fold pixels, and fold them: (b, 3 fold^2, 64, 64); see `fit_input`."""
    return F.pixel_unshuffle(fit_input(image, 64 * fold), fold)


def halved(image: Tensor) -> Tensor:
    """The first half of a batch (b, 3, side, side) without what is finer than 64 pixels: reduced, then enlarged."""
    side, count = image.shape[-1], len(image) // 2
    return image if side == 64 else torch.cat([fit_input(fit_input(image[:count], 64), side), image[count:]])
