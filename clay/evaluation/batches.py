"""Network outputs for many images."""

from collections.abc import Callable

import torch
from torch import Tensor

from clay.networks.images import to_unit

_BATCH = 100


@torch.no_grad()
def in_batches(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """`function` of images (n, 3, h, w) uint8, converted to [-1, 1] and passed in batches of 100; no gradients."""
    return torch.cat([function(to_unit(part)) for part in torch.split(images, _BATCH)])
