"""Glasses by edges: across the bridge of the nose, below both eyes, and by how dark the eyes' surroundings are.

Without glasses the bridge of the nose is smooth from the brows to the tip, and there is no edge between eye and cheek.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.frame import HALF, eye_frame, reduced

_FINE = 192
_WINDOW = 11
_TURNED, _PROFILE = 0.2, 0.35
"""Shift of the nose's tip beyond which the bridge is seen before the background, and one eye may be hidden."""

_MOST = 1.0
"""Of a likelihood: eyes in shadow, make-up and the edge of a turned nose look like frames too."""


def edges(image: Tensor, eyes: Tensor) -> Tensor:
    """Edge across the bridge, the fainter and the stronger one below the eyes, darkness around them, in powers of two.

    Args:
        image: (1, 3, h, w) in [-1, 1].
        eyes: their centres in pixels, (1, 2, 2).
    """
    crop = eye_frame(*reduced(image, eyes, _FINE), _FINE)
    light = torch.log2(0.05 + (crop[0].mean(0) + 1) / 2)
    bridge = _part(light, (-0.12, 0.12), (-0.45, 0.35)).median(1).values
    smooth = F.avg_pool1d(F.pad(bridge[None, None], (_WINDOW // 2,) * 2, mode="replicate"), _WINDOW, 1)[0, 0]
    rims = [_part(light, side, (0.12, 0.62)) for side in ((-0.72, -0.28), (0.28, 0.72))]
    below = [(rim[2:] - rim[:-2]).abs().amax(0).median() for rim in rims]
    cheeks = torch.stack([_part(light, side, (0.65, 0.95)).median() for side in ((-0.75, -0.4), (0.4, 0.75))])
    lenses = torch.stack([_part(light, side, (-0.18, 0.2)).median() for side in ((-0.72, -0.28), (0.28, 0.72))])
    fainter, stronger = torch.stack(below).aminmax()
    return torch.stack([(bridge - smooth).abs().max(), fainter, stronger, (cheeks - lenses).min()])


def _part(light: Tensor, u: tuple[float, float], v: tuple[float, float]) -> Tensor:
    (left, right), (top, bottom) = ([round((one / HALF + 1) / 2 * light.shape[-1]) for one in pair] for pair in (u, v))
    return light[top:bottom, left:right]


def glasses_likelihood(found: Tensor, shift: float) -> Tensor:
    """Log-likelihood of none, glasses and sunglasses, (3,), for `edges` of one face; `shift` is that of the nose's tip.

    On faces without glasses the edge across the bridge is below 0.15, the edge below the eyes below 0.35.
    """
    bridge, rim, nearer, dark = (float(one) for one in found)
    framed = (rim - 0.43) / 0.05
    if abs(shift) > _PROFILE:  # one eye is hidden
        framed = max(framed, (nearer - 0.7) / 0.05)
    if abs(shift) < _TURNED:
        framed = max(framed, (bridge - 0.22) / 0.05)
    framed, tinted = (min(max(one, -_MOST), _MOST) for one in (framed, (dark - 1.3) / 0.2))
    return torch.tensor([-framed, framed - max(tinted, 0.0), tinted])
