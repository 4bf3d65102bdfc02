"""`Enlarger`: pictures of clay faces with four times as many pixels along each axis, for display."""

from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.storage import read_network, save_network

FACTOR = 4


class _Block(nn.Module):
    """x + two 3 x 3 convolutions of x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, 1, 1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(b, width, h, w), unchanged in shape."""
        out: Tensor = x + self.second(F.silu(self.first(x)))
        return out


class Enlarger(nn.Module):
    """image (b, 3, h, w) in [-1, 1] -> (b, 3, 4 h, 4 w).

    The bicubic enlargement plus a residual of convolutions at the small size, of which the last has a channel for each
    of the 4 x 4 new pixels (sub-pixel convolution, Shi et al. 2016, arXiv 1609.05158).

    Args:
        width: channels.
        blocks: residual blocks of two convolutions.
    """

    def __init__(self, width: int = 24, blocks: int = 2) -> None:
        super().__init__()
        self.config = {"width": width, "blocks": blocks}
        self.first = nn.Conv2d(3, width, 3, 1, 1)
        self.blocks = nn.Sequential(*(_Block(width) for _ in range(blocks)))
        self.last = nn.Conv2d(width, 3 * FACTOR**2, 3, 1, 1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, image: Tensor) -> Tensor:
        """See the class; values may lie outside of [-1, 1]."""
        smooth = F.interpolate(image, scale_factor=FACTOR, mode="bicubic", align_corners=False)
        return smooth + F.pixel_shuffle(self.last(F.silu(self.blocks(self.first(image)))), FACTOR)

    def save_folder(self, folder: Path) -> None:
        """Write config.json and model.safetensors in half precision."""
        save_network(self, self.config, folder)

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Load what `save_folder` wrote, on the CPU, frozen and in eval mode.

        Raises:
            FileNotFoundError: a file is missing; the message names it.
        """
        config, weights = read_network(folder, "enlarger")
        model = cls(**config)
        model.load_state_dict(weights)
        return model.float().eval().requires_grad_(False).to(memory_format=torch.channels_last)
