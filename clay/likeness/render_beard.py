"""`RenderBeard`: the facial hair of a rendered face, from its lower half, as it is and with its exposure undone.

Stubble is a little darker than skin, least so on dark skin in little light. The parser, which sees the crop as it is,
takes much of it for a shaved chin.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.exposure import Exposure
from clay.likeness.render_skin import SIDE, skin_input, strided
from clay.likeness.stored import StoredNetwork
from clay.people.person import FACIAL_HAIR


def lower_face(crop: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
    """Colours in [0, 1] (b, 3, `SIDE`, `SIDE`) below the eyes, between the sides of the face, and the segments there.

    Args:
        crop: (b, 3, 2 `SIDE`, 2 `SIDE`) in [-1, 1].
        segments: probabilities, (b, segments, `SIDE`, `SIDE`).
    """
    half, quarter = SIDE // 2, SIDE // 4
    kinds = segments[:, :, half:, quarter : quarter + half]
    return (crop[:, :, SIDE:, half : half + SIDE] + 1) / 2, F.interpolate(kinds, scale_factor=2.0, mode="nearest")


class RenderBeard(StoredNetwork):
    """(b, `INPUTS`, `SIDE`, `SIDE`) of `skin_input` -> logits of the classes of facial hair, (b, classes).

    Args:
        hidden: of `strided`.
    """

    noun = "network of the facial hair"

    def __init__(self, hidden: int = 20) -> None:
        super().__init__(hidden)
        self.layers = strided(hidden, len(FACIAL_HAIR))

    @torch.no_grad()
    def read(self, crop: Tensor, segments: Tensor, exposure: Exposure) -> Tensor:
        """Log-probabilities (classes,) of a crop and its mirror image; for the arguments see `RenderSkin.read`."""
        gamma = crop.new_tensor([exposure.gamma])
        x = skin_input(*lower_face(crop, segments), exposure.gain[None].to(crop), gamma)
        found: Tensor = self(torch.cat([x, x.flip(3)])).log_softmax(1).mean(0)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.layers(x)
        return logits
