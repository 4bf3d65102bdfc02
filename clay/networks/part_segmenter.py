"""`PartSegmenter`: the part of the face at each pixel, for masks."""

from itertools import pairwise
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.images import fit_input
from clay.networks.storage import read_network, save_network
from clay.people.parts import PARTS


class _Block(nn.Sequential):
    """3 x 3 convolution, normalisation, SiLU, twice."""

    def __init__(self, channels: int, out_channels: int) -> None:
        layers: list[nn.Module] = []
        for inputs in (channels, out_channels):
            layers += [nn.Conv2d(inputs, out_channels, 3, 1, 1), nn.GroupNorm(8, out_channels), nn.SiLU()]
        super().__init__(*layers)


class PartSegmenter(nn.Module):
    """image (b, 3, h, w) in [-1, 1], resized to 64 x 64 -> logits of each part, (b, len(PARTS), 64, 64).

    A U-Net (Ronneberger et al. 2015, arXiv 1505.04597) whose first resolution is 32 x 32.

    Args:
        channels: widths at 32, 16 and 8 pixels, each a multiple of 8.
    """

    size = 64

    def __init__(self, channels: tuple[int, ...] = (24, 48, 96)) -> None:
        super().__init__()
        self.channels = channels
        self.down = nn.ModuleList([_Block(12, channels[0]), *(_Block(a, b) for a, b in pairwise(channels))])
        self.up = nn.ModuleList([_Block(a + b, a) for a, b in pairwise(channels)])
        self.last = nn.Conv2d(channels[0], 4 * len(PARTS), 3, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (b, len(PARTS), 64, 64)."""
        h = F.pixel_unshuffle(fit_input(image, self.size), 2)
        skips: list[Tensor] = []
        for i, block in enumerate(self.down):
            h = block(h if i == 0 else F.avg_pool2d(h, 2))
            skips.append(h)
        for block, skip in zip(reversed(self.up), reversed(skips[:-1]), strict=True):
            h = block(torch.cat([skip, F.interpolate(h, scale_factor=2)], dim=1))
        return F.pixel_shuffle(self.last(h), 2)

    @torch.no_grad()
    def probabilities(self, image: Tensor) -> dict[str, Tensor]:
        """By part, its probability at each pixel of the image, (b, 1, h, w)."""
        p = self(image).softmax(1)
        p = F.interpolate(p, image.shape[-2:], mode="bilinear", align_corners=False)
        return {name: p[:, i : i + 1] for i, name in enumerate(PARTS)}

    def save_folder(self, folder: Path) -> None:
        """Write config.json and model.safetensors in half precision."""
        save_network(self, {"channels": list(self.channels)}, folder)

    @classmethod
    def from_folder(cls, folder: Path, device: str | torch.device, dtype: torch.dtype) -> Self:
        """Load what `save_folder` wrote, frozen and in eval mode.

        Raises:
            FileNotFoundError: a file is missing; the message names it.
        """
        config, weights = read_network(folder, "part segmenter")
        model = cls(tuple(config["channels"]))
        model.load_state_dict(weights)
        return model.to(device=device, dtype=dtype).eval().requires_grad_(False)
