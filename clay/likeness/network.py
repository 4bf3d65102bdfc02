"""`FaceParser`: the segments of a face in the frame of its eyes, and the attributes that do not depend on colour.

A residual network with a decoder (U-Net, Ronneberger et al. 2015, arXiv 1505.04597). Trained on renders whose colours,
textures and backgrounds vary at random, so that what remains to rely on is shape, as in photographs.
"""

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.backbones import Backbone
from clay.networks.storage import read_network, save_network
from clay.people.attributes import ATTRIBUTES
from clay.people.view import SEGMENTS

READ = ("hair_style", "facial_hair", "glasses", "hat", "expression")
"""The attributes of `clay.people.attributes.ATTRIBUTES` that do not depend on colour."""
ANGLES = 2
_DEEP = 6


class Parsed(NamedTuple):
    """Logits of the segments (b, segments, 48, 48), logits by attribute (b, classes), yaw and pitch (b, 2)."""

    segments: Tensor
    attributes: dict[str, Tensor]
    angles: Tensor


class FaceParser(nn.Module):
    """Crops of `clay.likeness.frame.eye_frame`, (b, 3, 96, 96) in [-1, 1] -> `Parsed`.

    Args:
        channels: widths at 48, 24, 12 and 6 pixels.
    """

    def __init__(self, channels: tuple[int, ...] = (16, 32, 64, 128)) -> None:
        super().__init__()
        self.channels = channels
        self.backbone = Backbone(channels)
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(low + high, high, 3, 1, 1), nn.GroupNorm(8, high), nn.SiLU())
            for high, low in pairwise(channels)
        )
        self.segments = nn.Conv2d(channels[0], len(SEGMENTS), 1)
        self.squeeze = nn.Sequential(nn.Conv2d(channels[-1], 48, 1), nn.SiLU(), nn.Flatten(), nn.Dropout(0.2))
        features = 48 * _DEEP * _DEEP
        self.heads = nn.ModuleDict({name: nn.Linear(features, len(ATTRIBUTES[name])) for name in READ})
        self.angles = nn.Linear(features, ANGLES)

    def forward(self, crop: Tensor) -> Parsed:
        """See the class."""
        h, levels = crop, []
        for i, layer in enumerate(self.backbone):
            h = layer(h)
            if i >= 2:  # the stem has three layers
                levels.append(h)
        features = self.squeeze(h)
        for level, up in zip(reversed(levels[:-1]), reversed(self.up), strict=True):
            h = up(torch.cat([F.interpolate(h, scale_factor=2, mode="nearest"), level], dim=1))
        attributes = {name: head(features) for name, head in self.heads.items()}
        return Parsed(self.segments(h), attributes, self.angles(features))

    def save_folder(self, folder: Path) -> None:
        """Write config.json and model.safetensors in half precision."""
        save_network(self, {"channels": list(self.channels)}, folder)

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Load what `save_folder` wrote, on the CPU, frozen and in eval mode.

        Raises:
            FileNotFoundError: a file is missing; the message names it.
        """
        config, weights = read_network(folder, "face parser")
        model = cls(tuple(config["channels"]))
        model.load_state_dict(weights)
        return model.float().eval().requires_grad_(False)
