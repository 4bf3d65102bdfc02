"""The light of a photograph: too little, none with a colour, or a strong colour that is corrected by that of skin.

Human skin is redder than green and greener than blue; the logarithms of both ratios vary little between skin tones. A
face outside of that range is lit by coloured light, and its channels are scaled until the skin is inside.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.people.view import SEGMENTS

_GREY = 0.035
"""Mean difference between the channels of a face, in [0, 1], below which it is black and white."""
_RED, _BLUE = (0.12, 0.95), (-1.1, -0.08)
"""Range of log2(red / green) and log2(blue / green) of skin."""
_SHARE, _BRIGHT = 0.98, 0.88
"""The value that this share of the pixels of a photograph are below."""
_NOTICED, _MOST_GAIN = 1.1, 1.4


class Light(NamedTuple):
    """What was found.

    Args:
        grey: the photograph is black and white.
        corrected: its colours were changed.
        dim: it was brightened.
    """

    grey: bool
    corrected: bool
    dim: bool = False


CLEAR = Light(False, False)


def white_balanced(crop: Tensor, segments: Tensor) -> tuple[Tensor, Light]:
    """The crop (1, 3, 2 h, 2 w) in [-1, 1] with its colours corrected where the light is coloured.

    Args:
        crop: in [-1, 1].
        segments: probabilities, (1, segments, h, w).
    """
    small = F.avg_pool2d((crop + 1) / 2, 2)
    weight = segments[:, SEGMENTS.index("skin")].flatten(1)
    weight = weight / weight.sum().clamp(min=1e-6)
    if float((small.amax(1) - small.amin(1)).mean()) < _GREY:
        return crop, Light(True, False)
    red, green, blue = (small.flatten(2) * weight).sum(2)[0].clamp(min=0.01).log2()
    change = torch.stack([_moved(red - green, _RED), torch.zeros(()), _moved(blue - green, _BLUE)])
    if float(change.abs().max()) < 0.02:
        return crop, CLEAR
    changed = ((crop + 1) / 2 * (2**change).view(1, 3, 1, 1)).clamp(0, 1)
    return changed * 2 - 1, Light(False, True)


def exposed(crop: Tensor, image: Tensor) -> tuple[Tensor, bool]:
    """The crop of a photograph without any bright place, brightened by half as much as if there was one; and if it was.

    Little light and dark skin look alike there, so half of the difference is each's.

    Args:
        crop: (1, 3, h, w) in [-1, 1].
        image: the photograph, (1, 3, h, w) in [-1, 1].
    """
    brightest = torch.quantile(((F.adaptive_avg_pool2d(image, 64) + 1) / 2).mean(1), _SHARE).clamp(min=0.01)
    gain = (_BRIGHT / brightest).sqrt().clamp(1.0, _MOST_GAIN)
    return ((crop + 1) / 2 * gain).clamp(0, 1) * 2 - 1, float(gain) > _NOTICED


def _moved(value: Tensor, bounds: tuple[float, float]) -> Tensor:
    return value.clamp(*bounds) - value
