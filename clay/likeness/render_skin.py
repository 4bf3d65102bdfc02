"""`RenderSkin`: the skin of a rendered face, from its colours as they are and with their exposure undone.

The skin of the renderer is a colour with no variation of its own, so that its brightest parts show it, and background
and clothes show the exposure (`clay.likeness.exposure`).
"""

from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.likeness.exposure import Exposure
from clay.likeness.measures import COLOURS, colours
from clay.networks.storage import read_network, save_network
from clay.people.view import SEGMENTS

_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97)
SKIN_MEASURES = 2 * (COLOURS + 3 * len(_QUANTILES))


def skin_measures(crop: Tensor, segments: Tensor, exposure: Exposure) -> Tensor:
    """Colours, and quantiles of the skin's channels, as they are and with the exposure undone: (1, `SKIN_MEASURES`).

    Args:
        crop: (1, 3, 2 h, 2 w) in [-1, 1].
        segments: probabilities, (1, segments, h, w).
        exposure: of the crop.
    """
    found = []
    for image in (crop, exposure.undone(crop)):
        found += [colours(image, segments), _skin_quantiles(image, segments)]
    return torch.cat(found, dim=1)


def _skin_quantiles(crop: Tensor, segments: Tensor) -> Tensor:
    """log2(0.02 + value) of each channel at `_QUANTILES` of the skin's pixels, (1, 18); 0 without skin."""
    pixels = torch.log2(0.02 + (F.avg_pool2d(crop, 2) + 1) / 2)[0]
    skin = pixels[:, segments[0].argmax(0) == SEGMENTS.index("skin")]
    if skin.shape[1] == 0:
        return pixels.new_zeros(1, 3 * len(_QUANTILES))
    return skin.quantile(skin.new_tensor(_QUANTILES), dim=1).flatten()[None]


class RenderSkin(nn.Module):
    """Measures (b, `SKIN_MEASURES`) -> skin (b,), 0 (lightest) to 5 (darkest).

    Args:
        hidden: width of the hidden layers.
    """

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        self.hidden = hidden
        self.layers = nn.Sequential(
            nn.BatchNorm1d(SKIN_MEASURES, affine=False), nn.Linear(SKIN_MEASURES, hidden), nn.SiLU(), nn.Dropout(0.3),
            nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1),
        )  # fmt: skip

    def forward(self, measures: Tensor) -> Tensor:
        """See the class."""
        skin: Tensor = 2.5 + self.layers(measures)[:, 0]
        return skin

    def save_folder(self, folder: Path) -> None:
        """Write config.json and model.safetensors in half precision."""
        save_network(self, {"hidden": self.hidden}, folder)

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Load what `save_folder` wrote, on the CPU, frozen and in eval mode.

        Raises:
            FileNotFoundError: a file is missing; the message names it.
        """
        config, weights = read_network(folder, "network of the skin")
        model = cls(config["hidden"])
        model.load_state_dict(weights)
        return model.float().eval().requires_grad_(False)
