"""The plain morph: two encodings met in the middle, without any gradient (DiM; Blasingame & Liu 2024, 2310.09484).

z_m   = (1 - w) z_a + w z_b                        on a line
x_T,m = slerp(x_T,a, x_T,b; w)                     on a great circle, where noise of this many dimensions lies
w_i,m = slerp(w_i,a, w_i,b; w)                     SDE only, step by step

slerp(a, b; w) = (sin((1 - w) o) a + sin(w o) b) / sin o,           o the angle between a and b
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_NEARLY_PARALLEL = 1e-3


class Code(NamedTuple):
    """All that sampling starts from: z, x_T (1, 3, h, w), and the noises (N, 1, 3, h, w) of an SDE."""

    z: Tensor
    x_T: Tensor
    noises: Tensor | None


def meet(first: Code, second: Code, share: float = 0.5) -> Code:
    """The code between two, of which `share` in [0, 1] is the second's."""
    noises = None
    if first.noises is not None and second.noises is not None:
        steps = zip(first.noises, second.noises, strict=True)
        noises = torch.stack([slerp(a, b, share) for a, b in steps])
    return Code(torch.lerp(first.z, second.z, share), slerp(first.x_T, second.x_T, share), noises)


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """From a to b along the great circle; along the line where the two are parallel or one is nought."""
    lengths = a.norm() * b.norm()
    angle = torch.arccos(((a * b).sum() / lengths).clamp(-1, 1)) if lengths > 0 else lengths
    if torch.sin(angle) < _NEARLY_PARALLEL:
        return torch.lerp(a, b, share)
    return (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
