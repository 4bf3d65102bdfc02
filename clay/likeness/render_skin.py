"""`RenderSkin`: the skin of a rendered face, from its colours as they are and with their exposure undone.

The skin of the renderer is a colour with no variation of its own, so that its brightest parts show it, and background
and clothes show the exposure (`clay.likeness.exposure`).
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.likeness.exposure import Exposure
from clay.likeness.measures import COLOURS, colours
from clay.likeness.stored import MeasuresNetwork
from clay.people.view import SEGMENTS

_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97)
SKIN_MEASURES = 2 * (COLOURS + 3 * len(_QUANTILES))
_READ, _TRUE = (0.0, 1.37, 2.54, 3.58, 5.0), (0.0, 1.5, 2.5, 3.5, 5.0)
"""The network's values and the skins they stand for, linear in between. The inner ones are the borders between tones:
with these every tone of faces of the training split is read about as often as any other.
"""


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


class RenderSkin(MeasuresNetwork):
    """Measures (b, `SKIN_MEASURES`) -> skin (b,), 0 (lightest) to 5 (darkest).

    Args:
        hidden: width of the hidden layers.
    """

    noun = "network of the skin"

    def __init__(self, hidden: int = 128) -> None:
        super().__init__(hidden)
        self.layers = nn.Sequential(
            nn.BatchNorm1d(SKIN_MEASURES, affine=False), nn.Linear(SKIN_MEASURES, hidden), nn.SiLU(), nn.Dropout(0.3),
            nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1),
        )  # fmt: skip

    @torch.no_grad()
    def read(self, measures: Tensor) -> Tensor:
        """The skin, (b,), with the network's tendency towards the middle undone."""
        found = np.interp(self(measures).cpu().double().numpy(), _READ, _TRUE)
        return torch.from_numpy(found).to(measures)

    def forward(self, measures: Tensor) -> Tensor:
        """See the class."""
        skin: Tensor = 2.5 + self.layers(measures)[:, 0]
        return skin
