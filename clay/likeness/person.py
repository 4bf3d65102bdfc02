"""Segments of a photographed face, corrected by where the photograph shows a person.

The parser was trained on renders: in photographs it takes hair for background and background for hair. With M, the
probability that a pixel shows a person, and p, the parser's probabilities, the corrected ones are

    p'_background ~ (p_background + e) (1 - M),       p'_k ~ (p_k + e) M      for every other segment k.

Where the parser sees background and the person is, the segment is open: hair, clothes or skin. The colours of the
pixels that the parser is sure of decide, a normal distribution in log2(0.02 + value) for each of the three, together
with the height: clothes are below the chin. A beard of a few pixels becomes skin.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.frame import places_along
from clay.people.view import SEGMENTS

_FLOOR = 0.003
_OPEN = ("hair", "clothes", "skin")
_LEAST_DEVIATION = 0.35
"""Of the colours of a segment, in powers of two."""
_FEW, _UNKNOWN = 8.0, -1.0
"""Pixels below which a segment has no colour of its own, and its log-density then."""
_SEEN = 0.5
"""Share of the skin that is seen as a part of a person; with less, the person was not found."""
_LEAST_BEARD = 0.01
"""Share of the crop; a smaller beard is a shadow at the mouth."""
_CHIN, _STEEP = 1.55, 5.0
"""v below which clothes are as likely as hair, and how fast that changes."""


def corrected(segments: Tensor, crop: Tensor, person: Tensor, inside: Tensor) -> Tensor:
    """The segments of a photograph, (1, segments, h, w); outside of it those of the parser.

    Args:
        segments: probabilities of the parser, (1, segments, h, w).
        crop: in [-1, 1], (1, 3, 2 h, 2 w).
        person: probability that a pixel of the crop shows a person, (1, 1, n, n).
        inside: 1 where the crop shows a part of the photograph, else 0, (1, 1, h, w).
    """
    size = segments.shape[-1]
    shown = F.interpolate(person, (size, size), mode="area")
    face = segments[:, SEGMENTS.index("skin")]
    if float((face * shown[:, 0]).sum()) < _SEEN * float(face.sum()):
        return segments
    behind = SEGMENTS.index("background")
    share = shown.expand_as(segments).clone()
    share[:, behind] = 1 - shown[:, 0]
    found = (segments + _FLOOR) * share
    found = found / found.sum(1, keepdim=True).clamp(min=1e-6)
    open_ = (segments[:, behind] * shown[:, 0])[:, None]
    kinds = [SEGMENTS.index(name) for name in _OPEN]
    guess = torch.zeros_like(found)
    guess[:, kinds] = _by_colour(segments[:, kinds] * shown, crop) * shown
    guess[:, behind] = 1 - shown[:, 0]
    found = found + open_ * (guess - found)
    skin, beard = SEGMENTS.index("skin"), SEGMENTS.index("beard")
    if float((found[:, beard] > 0.5).float().mean()) < _LEAST_BEARD:
        found[:, skin] += found[:, beard]
        found[:, beard] = 0
    return torch.where(inside > 0, found, segments)


def _by_colour(sure: Tensor, crop: Tensor) -> Tensor:
    """Probabilities of hair, clothes and skin, (1, 3, h, w), by colour and height.

    Args:
        sure: the parser's probabilities of the three inside the person, (1, 3, h, w).
        crop: (1, 3, 2 h, 2 w) in [-1, 1].
    """
    size = sure.shape[-1]
    pixels = torch.log2(0.02 + (F.avg_pool2d(crop, 2) + 1) / 2)[0].flatten(1)
    steps = places_along(size).to(crop)
    low = torch.sigmoid(_STEEP * (steps - _CHIN))[:, None].expand(size, size).flatten()
    prior = torch.stack([0.95 - 0.6 * low, 0.02 + 0.43 * low, 0.03 + 0.17 * low])
    logs = []
    for weight in sure[0].flatten(1):
        weight = torch.where(weight > 0.5, weight, 0.0)
        total = weight.sum()
        if total < _FEW:  # no colour of its own: as likely as an average one
            logs.append(pixels.new_full(pixels.shape[1:], _UNKNOWN))
            continue
        mean = (pixels * weight).sum(1) / total
        away = pixels - mean[:, None]
        spread = (away * weight) @ away.mT / total + _LEAST_DEVIATION**2 * torch.eye(3).to(pixels)
        distance = (away * torch.linalg.solve(spread, away)).sum(0)
        logs.append(-0.5 * distance.clamp(max=16.0) - 0.5 * torch.logdet(spread))
    found = (torch.stack(logs) + prior.log()).softmax(0).view(1, 3, size, size)
    return F.avg_pool2d(found, 3, 1, 1, count_include_pad=False)
