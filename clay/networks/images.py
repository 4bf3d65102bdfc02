"""Rendered pictures as tensors: picking, converting and the small disturbances training adds."""

import numpy as np
import torch
from torch import Tensor


def to_unit(pictures: Tensor) -> Tensor:
    """uint8 0..255 -> float -1..1."""
    return pictures.float() / 127.5 - 1


def to_bytes(image: Tensor) -> np.ndarray:
    """(b, 3, h, w) in [-1, 1] -> (b, h, w, 3) uint8."""
    levels = (image.detach().float().clamp(-1, 1) + 1) * 127.5 + 0.5
    return np.asarray(levels.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy())


def as_channels_first(pictures: np.ndarray) -> Tensor:
    """(n, h, w, 3) uint8 -> (n, 3, h, w) uint8 tensor."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()


def flip_some(image: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each picture with probability 1/2; a person's mirror image counts as the same person."""
    flipped = torch.rand(len(image), 1, 1, 1, generator=generator, device=image.device) < 0.5
    return torch.where(flipped, image.flip(-1), image)
