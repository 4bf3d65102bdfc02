"""The plain morph: two encodings interpolated, without any gradient (DiM; Blasingame & Liu 2024, 2310.09484).

z_m   = (1 - w) z_a + w z_b                        on a line
x_T,m = slerp(x_T,a, x_T,b; w)                     on a great circle, because noise of many dimensions lies on a sphere
w_i,m = slerp(w_i,a, w_i,b; w)                     SDE only, step by step

slerp(a, b; w) = (sin((1 - w) o) a + sin(w o) b) / sin o,           o the angle between a and b
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_NEARLY_PARALLEL = 1e-3


class Code(NamedTuple):
    """The inputs of sampling: z (or None), x_T (1, c, h, w), and the noises (N, 1, c, h, w) of an SDE."""

    z: Tensor | None
    x_T: Tensor
    noises: Tensor | None


def interpolate(first: Code, second: Code, share: float = 0.5) -> Code:
    """The code between two; `share` in [0, 1] is the weight of the second. What one of them lacks is None."""
    z = None if first.z is None or second.z is None else torch.lerp(first.z, second.z, share)
    noises = None
    if first.noises is not None and second.noises is not None:
        steps = zip(first.noises, second.noises, strict=True)
        noises = torch.stack([slerp(a, b, share) for a, b in steps])
    return Code(z, slerp(first.x_T, second.x_T, share), noises)


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """From a to b on the great circle; on the line if a and b are parallel or one of them is zero."""
    lengths = a.norm() * b.norm()
    angle = torch.arccos(((a * b).sum() / lengths).clamp(-1, 1)) if lengths > 0 else lengths
    if torch.sin(angle) < _NEARLY_PARALLEL:
        return torch.lerp(a, b, share)
    return (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
