"""Facial hair by darkness: upper lip, chin and jaw compared with the cheeks, in the crop of a face."""

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.frame import HALF
from clay.people.view import SEGMENTS

_RADIUS = 0.09
_CHEEK = (0.62, 0.62)
_LARGE = 0.04
"""Share of the crop."""
_WEAKER = 0.3
"""Difference of log2(red / blue)."""


def _patch(light: Tensor, u: float, v: float) -> Tensor:
    """Median brightness around (u, v) of the frame; light (h, w)."""
    size = light.shape[-1]
    radius = max(round(_RADIUS * size / (2 * HALF)), 1)
    column, row = (min(max(round((one / HALF + 1) / 2 * size - 0.5), radius), size - 1 - radius) for one in (u, v))
    return light[row - radius : row + radius + 1, column - radius : column + radius + 1].median()


def darkness(crop: Tensor, q: Tensor) -> Tensor:
    """By how many powers of two upper lip, chin and jaw are darker than the cheeks, (3,).

    Each is compared on the side that is lit better, so that a shadow on one side is no beard.

    Args:
        crop: (1, 3, h, w) in [-1, 1].
        q: landmarks in the frame of the eyes, (68, 2).
    """
    light = torch.log2(0.02 + (crop[0].mean(0) + 1) / 2)
    lip = (q[33] + q[51]) / 2
    chin = q[57] + 0.55 * (q[8] - q[57])
    places = [
        ((lip + (q[50] - q[51])).tolist(), (lip + (q[52] - q[51])).tolist()),
        ((chin + 0.5 * (q[7] - q[8])).tolist(), (chin + 0.5 * (q[9] - q[8])).tolist()),
        ((q[5] + 0.3 * (q[57] - q[5])).tolist(), (q[11] + 0.3 * (q[57] - q[11])).tolist()),
    ]
    cheeks = [_patch(light, side * _CHEEK[0], _CHEEK[1]) for side in (-1, 1)]
    pairs = [[cheek - _patch(light, *place) for cheek, place in zip(cheeks, both, strict=True)] for both in places]
    return torch.stack([torch.stack(pair).min() for pair in pairs])


def has_grey_beard(crop: Tensor, segments: Tensor) -> bool:
    """Whether there is a large beard whose colour is clearly weaker than that of the skin below the eyes.

    Args:
        crop: (1, 3, 2 h, 2 w) in [-1, 1].
        segments: probabilities, (1, segments, h, w).
    """
    red, _, blue = (F.avg_pool2d(crop, 2)[0] + 1) / 2
    colour = torch.log2((red + 0.04) / (blue + 0.04))
    beard = segments[0, SEGMENTS.index("beard")] > 0.4
    skin = segments[0, SEGMENTS.index("skin")] > 0.6
    skin[: skin.shape[0] // 2] = False
    if int(beard.sum()) < _LARGE * beard.numel() or not skin.any():
        return False
    return bool(colour[skin].median() - colour[beard].median() > _WEAKER)


def beard_likelihood(dark: Tensor) -> Tensor:
    """Log-likelihood of none, stubble, moustache, beard and goatee, (5,), for `darkness` of one face.

    On clean-shaven faces each of the three is below 0.5.
    """
    lip, chin, jaw = ((float(one) - 0.5) / 0.15 for one in dark)

    def grown(*values: float) -> float:
        return max(min(*values, 4.0), -4.0)

    none = -max(lip + chin, chin + jaw, lip, chin, 0.0)
    mean = (lip + chin + jaw) / 3
    return torch.tensor([
        max(none, -4.0),
        -abs(mean + 0.3) - 1.0,
        grown(lip, 4.0) - max(chin, jaw, 0.0) - 1.0,
        grown(chin, jaw),
        grown(chin, 4.0) - max(jaw, 0.0) - 1.0,
    ])  # fmt: skip
