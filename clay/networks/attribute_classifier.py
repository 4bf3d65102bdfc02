"""What does this face look like: a classifier that judges edits and takes no part in making them."""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from clay.networks.identity import Backbone, fit_input, read_network, save_network
from clay.people.attributes import ATTRIBUTES


class AttributeReader(nn.Module):
    """image (b, 3, h, w) in [-1, 1] -> one distribution for each attribute.

    Args:
        channels: widths of the backbone.
    """

    size = 64

    def __init__(self, channels: tuple[int, ...] = (24, 48, 96, 128)) -> None:
        super().__init__()
        self.channels = channels
        self.backbone = Backbone(channels)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(channels[-1] * 16, len(classes)) for name, classes in ATTRIBUTES.items()}
        )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Logits by attribute, each (b, classes)."""
        h = self.backbone(fit_input(image, self.size)).flatten(1)
        return {name: head(h) for name, head in self.heads.items()}

    @torch.no_grad()
    def probabilities(self, image: Tensor) -> dict[str, Tensor]:
        """Probabilities by attribute, each (b, classes), classes in the order of `ATTRIBUTES`."""
        return {name: logits.softmax(1) for name, logits in self(image).items()}

    def read(self, image: Tensor) -> dict[str, list[str]]:
        """The likeliest class of each attribute, a list over the batch."""
        return {
            name: [ATTRIBUTES[name][i] for i in p.argmax(1).tolist()] for name, p in self.probabilities(image).items()
        }

    def save_folder(self, folder: Path) -> None:
        """Write config.json and half-precision safetensors."""
        save_network(self, {"channels": list(self.channels)}, folder)

    @classmethod
    def from_folder(cls, folder: Path, device: str | torch.device, dtype: torch.dtype) -> Self:
        """Load what `save_folder` wrote, frozen and in eval mode."""
        config, weights = read_network(folder, "attribute reader")
        model = cls(tuple(config["channels"]))
        model.load_state_dict(weights)
        return model.to(device=device, dtype=dtype).eval().requires_grad_(False)
