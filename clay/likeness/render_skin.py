"""`RenderSkin`: the skin of a rendered face, from its picture as it is and with its exposure undone.

The skin of the renderer is a colour with no variation of its own, so that shading, background and clothes show how it
was lit and exposed (`clay.likeness.exposure`).
"""

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.likeness.exposure import Exposure
from clay.likeness.stored import StoredNetwork
from clay.people.view import SEGMENTS

_TRUE = (0.0, 1.5, 2.5, 3.5, 5.0)
"""The lightest skin, the borders between tones, the darkest skin."""
_BASE = 0.02
SIDE = 48
INPUTS = 6 + len(SEGMENTS)


def skin_input(colours: Tensor, segments: Tensor, gain: Tensor, gamma: Tensor) -> Tensor:
    """log2(0.02 + value) of the colours as they are and before the exposure, and the segments: (b, `INPUTS`, h, w).

    Args:
        colours: sRGB in [0, 1], (b, 3, h, w).
        segments: probabilities, (b, segments, h, w).
        gain: of the exposure (`clay.likeness.exposure.Exposure`), (b, 3).
        gamma: its exponent, (b,).
    """
    before = (colours.clamp(min=1e-3) / gain[..., None, None]) ** (1 / gamma.view(-1, 1, 1, 1))
    both = torch.cat([colours, before.clamp(max=1.2)], dim=1)
    return torch.cat([torch.log2(_BASE + both) + 2, 2 * segments - 1], dim=1)


def strided(hidden: int, outputs: int) -> nn.Sequential:
    """(b, `INPUTS`, `SIDE`, `SIDE`) -> (b, outputs).

    Args:
        hidden: channels at 24 pixels; those at 12, 6 and 3 pixels are one and a half, two and three times as many.
        outputs: values.
    """
    widths = (INPUTS, hidden, hidden * 3 // 2, hidden * 2, hidden * 3)
    layers: list[nn.Module] = []
    for i, (narrow, wide) in enumerate(pairwise(widths)):
        kernel = 5 if i == 0 else 3
        layers += [nn.Conv2d(narrow, wide, kernel, 2, kernel // 2), nn.BatchNorm2d(wide), nn.SiLU()]
    features = widths[-1] * (SIDE // 16) ** 2
    head = (nn.Flatten(), nn.Dropout(0.2), nn.Linear(features, 64), nn.SiLU(), nn.Linear(64, outputs))
    return nn.Sequential(*layers, *head)


class RenderSkin(StoredNetwork):
    """(b, `INPUTS`, `SIDE`, `SIDE`) of `skin_input` -> skin (b,), 0 (lightest) to 5 (darkest).

    Args:
        hidden: of `strided`.
    """

    noun = "network of the skin"
    borders: Tensor
    """The network's values at the borders between tones, (3,)."""

    def __init__(self, hidden: int = 32) -> None:
        super().__init__(hidden)
        self.layers = strided(hidden, 1)
        self.register_buffer("borders", torch.tensor(_TRUE[1:-1]))

    @torch.no_grad()
    def read(self, crop: Tensor, segments: Tensor, exposure: Exposure) -> Tensor:
        """The skin, (1,), of a crop and its mirror image, with the network's values at the borders between tones
        moved to these.

        Args:
            crop: (1, 3, 2 `SIDE`, 2 `SIDE`) in [-1, 1].
            segments: probabilities, (1, segments, `SIDE`, `SIDE`).
            exposure: of the crop.
        """
        gamma = crop.new_tensor([exposure.gamma])
        x = skin_input((F.avg_pool2d(crop, 2) + 1) / 2, segments, exposure.gain[None].to(crop), gamma)
        found = self(torch.cat([x, x.flip(3)])).mean(0, keepdim=True)
        values = (_TRUE[0], *self.borders.tolist(), _TRUE[-1])
        return torch.from_numpy(np.interp(found.cpu().double().numpy(), values, _TRUE)).to(crop)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        skin: Tensor = 2.5 + self.layers(x)[:, 0]
        return skin
