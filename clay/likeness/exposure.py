"""`Exposure`: how the colours of a rendered face were changed afterwards, by its background and its clothes.

The renderer's backgrounds and clothes have eight colours. A change of exposure e, colour of the light k and gamma turns
the sRGB value v of channel c into

    v'_c = e k_c v_c^gamma,        log v'_c = log e + log k_c + gamma log v_c,

which is linear in log e, log k_c and gamma. With Gaussian priors and errors the most likely change for a background and
clothes of two given colours is a linear system; clothes are darker than their colour by an unknown shade.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

_BACKGROUNDS = torch.tensor([
    [0.440, 0.637, 0.871], [0.510, 0.771, 0.548], [0.924, 0.802, 0.440], [0.917, 0.639, 0.694],
    [0.658, 0.564, 0.855], [0.881, 0.881, 0.872], [0.341, 0.688, 0.707], [0.927, 0.640, 0.413],
])  # fmt: skip
_CLOTHES = torch.tensor([
    [0.350, 0.487, 0.653], [0.395, 0.568, 0.406], [0.680, 0.591, 0.330], [0.677, 0.474, 0.511],
    [0.505, 0.431, 0.648], [0.660, 0.656, 0.644], [0.281, 0.530, 0.538], [0.685, 0.471, 0.312],
])  # fmt: skip
"""Median sRGB colours in 160 renders, in the order of `BACKGROUNDS`."""
_PRIOR = torch.tensor([0.115, 0.047, 0.047, 0.047, 0.1, 0.13])
"""Standard deviations of log e, log k in red, green and blue, gamma - 1, and the log of the clothes' shade."""
_ERROR = 0.025
_CLIPPED = 0.985
_LEAST_GAMMA = 0.3


class Exposure(NamedTuple):
    """A change of colours.

    Args:
        gain: e k by channel, (3,).
        gamma: the exponent.
    """

    gain: Tensor
    gamma: float

    def undone(self, image: Tensor) -> Tensor:
        """The image (b, 3, h, w) in [-1, 1] before the change."""
        values = ((image + 1) / 2).clamp(min=1e-3) / self.gain.to(image).view(1, 3, 1, 1)
        return (values ** (1 / self.gamma)).clamp(0, 1) * 2 - 1


UNCHANGED = Exposure(torch.ones(3), 1.0)


class Render(NamedTuple):
    """A picture of a rendered face.

    Args:
        exposure: how its colours were changed.
        attributes: logits (classes,) by attribute, read from the picture's code; empty if they were not.
    """

    exposure: Exposure = UNCHANGED
    attributes: Mapping[str, Tensor] = MappingProxyType({})


def exposures(background: Tensor, clothes: Tensor | None) -> list[tuple[float, Exposure]]:
    """The most likely change for each colour that the background may have had, with -2 log of its probability density
    up to a constant; the likeliest first.

    Args:
        background: median sRGB colour in [0, 1], (3,).
        clothes: the same; None if none are seen.
    """
    pairs = [(i, j) for i in range(len(_BACKGROUNDS)) for j in range(len(_CLOTHES) if clothes is not None else 1)]
    i, j = torch.tensor(pairs).T
    before = torch.cat([_BACKGROUNDS[i], _CLOTHES[j]], dim=1).log()  # (pairs, 6)
    after = torch.cat([background, torch.ones(3) if clothes is None else clothes])
    known = (after < _CLIPPED).float() / _ERROR**2
    if clothes is None:
        known[3:] = 0
    rows = torch.zeros(len(pairs), 6, 6)
    rows[:, :, 0] = 1
    rows[:, range(6), [1, 2, 3, 1, 2, 3]] = 1
    rows[:, :, 4] = before
    rows[:, 3:, 5] = 1
    change = after.clamp(min=0.01).log() - before
    weighted = rows * known[:, None]
    normal = rows.mT @ weighted + torch.diag(_PRIOR**-2)
    right = (weighted.mT @ change[..., None])[..., 0]
    found = torch.linalg.solve(normal, right)
    cost = (change**2 * known).sum(1) - (right * found).sum(1)
    best: dict[int, tuple[float, Exposure]] = {}
    for index in cost.argsort().tolist():
        gain = (found[index, 0] + found[index, 1:4]).exp()
        gamma = max(1 + float(found[index, 4]), _LEAST_GAMMA)  # colours far from all of the renderer's
        best.setdefault(pairs[index][0], (float(cost[index]), Exposure(gain, gamma)))
    return list(best.values())
