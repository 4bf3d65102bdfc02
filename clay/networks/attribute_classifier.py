"""`AttributeClassifier`: classifies what an image shows, `AttributeReader`: with several; used in evaluation only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from clay.networks.backbones import Backbone, fold_of
from clay.networks.images import backbone_input
from clay.networks.storage import read_network, save_network
from clay.people.attributes import ATTRIBUTES, PALETTE

OTHERS = tuple(name for name in ATTRIBUTES if name not in PALETTE)
"""Hair, glasses, hat, facial hair, skin and expression."""


class AttributeClassifier(nn.Module):
    """image (b, 3, h, w) in [-1, 1], resized to size x size -> logits of some of the attributes in `ATTRIBUTES`.

    Args:
        channels: widths of the backbone.
        size: of the input in pixels, a multiple of 64.
        attributes: which.
    """

    def __init__(
        self, channels: tuple[int, ...] = (24, 48, 96, 128), size: int = 64, attributes: Sequence[str] = OTHERS
    ) -> None:
        super().__init__()
        self.channels, self.size, self.fold = channels, size, fold_of(size)
        self.backbone = Backbone(channels, 3 * self.fold**2)
        self.heads = nn.ModuleDict({name: nn.Linear(channels[-1] * 16, len(ATTRIBUTES[name])) for name in attributes})

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
        return AttributeReader(self).read(image)

    def save_folder(self, folder: Path) -> None:
        """Write config.json and model.safetensors in half precision."""
        config = {"channels": list(self.channels), "size": self.size, "attributes": list(self.heads)}
        save_network(self, config, folder)

    @classmethod
    def from_folder(cls, folder: Path, device: str | torch.device, dtype: torch.dtype) -> Self:
        """Load what `save_folder` wrote, frozen and in eval mode.

        Raises:
            FileNotFoundError: a file is missing; the message names it.
        """
        config, weights = read_network(folder, "attribute classifier")
        model = cls(tuple(config["channels"]), config.get("size", 64), config.get("attributes", OTHERS))
        model.load_state_dict(weights)
        return model.to(device=device, dtype=dtype).eval().requires_grad_(False)


class AttributeReader:
    """Several classifiers of different attributes as one.

    Args:
        classifiers: which.
    """

    def __init__(self, *classifiers: AttributeClassifier) -> None:
        self.classifiers = classifiers

    def probabilities(self, image: Tensor) -> dict[str, Tensor]:
        """By attribute, probabilities (b, classes); classes in the order of `ATTRIBUTES`."""
        found = [classifier.probabilities(image) for classifier in self.classifiers]
        return {name: p for probabilities in found for name, p in probabilities.items()}

    def read(self, image: Tensor) -> dict[str, list[str]]:
        """By attribute, the most probable class of each image."""
        return {
            name: [ATTRIBUTES[name][i] for i in p.argmax(1).tolist()] for name, p in self.probabilities(image).items()
        }
