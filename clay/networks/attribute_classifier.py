"""`AttributeClassifier`: classifies hair, glasses, hat, facial hair, skin and expression; used in evaluation only."""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from clay.networks.backbones import Backbone, fold_of
from clay.networks.images import backbone_input
from clay.networks.storage import read_network, save_network
from clay.people.attributes import ATTRIBUTES


class AttributeClassifier(nn.Module):
    """image (b, 3, h, w) in [-1, 1], resized to size x size -> logits of each attribute in `ATTRIBUTES`.

    Args:
        channels: widths of the backbone.
        size: of the input in pixels, a multiple of 64.
    """

    def __init__(self, channels: tuple[int, ...] = (24, 48, 96, 128), size: int = 64) -> None:
        super().__init__()
        self.channels, self.size, self.fold = channels, size, fold_of(size)
        self.backbone = Backbone(channels, 3 * self.fold**2)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(channels[-1] * 16, len(classes)) for name, classes in ATTRIBUTES.items()}
        )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """By attribute, logits (b, classes)."""
        h = self.backbone(backbone_input(image, self.fold)).flatten(1)
        return {name: head(h) for name, head in self.heads.items()}

    @torch.no_grad()
    def probabilities(self, image: Tensor) -> dict[str, Tensor]:
        """By attribute, probabilities (b, classes); classes in the order of `ATTRIBUTES`."""
        return {name: logits.softmax(1) for name, logits in self(image).items()}

    def read(self, image: Tensor) -> dict[str, list[str]]:
        """By attribute, the most probable class of each image."""
        return {
            name: [ATTRIBUTES[name][i] for i in p.argmax(1).tolist()] for name, p in self.probabilities(image).items()
        }

    def save_folder(self, folder: Path) -> None:
        """Write config.json and model.safetensors in half precision."""
        save_network(self, {"channels": list(self.channels), "size": self.size}, folder)

    @classmethod
    def from_folder(cls, folder: Path, device: str | torch.device, dtype: torch.dtype) -> Self:
        """Load what `save_folder` wrote, frozen and in eval mode.

        Raises:
            FileNotFoundError: a file is missing; the message names it.
        """
        config, weights = read_network(folder, "attribute classifier")
        model = cls(tuple(config["channels"]), config.get("size", 64))
        model.load_state_dict(weights)
        return model.to(device=device, dtype=dtype).eval().requires_grad_(False)
