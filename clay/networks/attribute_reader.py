"""What does this face look like: a classifier that judges edits and takes no part in making them."""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from clay.circumstances import EXPRESSIONS, GLASSES, Circumstances
from clay.identity import Backbone, fit_input, read_network, save_network
from clay.people import FACIAL_HAIR, HAIR_COLOURS, HAIR_STYLES, SKIN_TONES, Person

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "hair_colour": HAIR_COLOURS,
    "hair_style": HAIR_STYLES,
    "facial_hair": FACIAL_HAIR,
    "skin_tone": SKIN_TONES,
    "glasses": GLASSES,
    "expression": EXPRESSIONS,
    "hat": ("no hat", "hat"),
}
HIDDEN = -1


def true_classes(person: Person, seen: Circumstances) -> list[int]:
    """Index of the true class of each attribute, `HIDDEN` where the picture cannot show it."""
    names = {
        "hair_colour": person.hair_colour if person.hair_style != "bald" else None,
        # A hat presses down or covers most of what tells the styles apart.
        "hair_style": person.hair_style if not seen.hat else None,
        "facial_hair": person.facial_hair,
        "skin_tone": person.skin_tone,
        "glasses": seen.glasses,
        "expression": seen.expression,
        "hat": "hat" if seen.hat else "no hat",
    }
    return [
        HIDDEN if (name := names[attribute]) is None else classes.index(name)
        for attribute, classes in ATTRIBUTES.items()
    ]


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
