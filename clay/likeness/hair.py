"""How far hair reaches down beside the face, how thick it is above the forehead, and the style that follows from both.

For every hair style the measures of renders have a mean and a deviation; a style's log-likelihood is that of a normal
distribution, cut off so that one strange measure does not decide alone.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.frame import HALF, places_along
from clay.people.view import SEGMENTS

_BESIDE = (0.75, 1.75)
"""|u| of the columns beside the face."""
_TEMPLE = -0.55
"""v at which hair beside the face begins."""
_ABOVE = 0.45
_HAIRLINE, _AVERAGE = -1.25, 0.8
"""v above which there is hair, and the height of the hair of most heads."""


def hair_extent(segments: Tensor, inside: Tensor | None = None) -> Tensor:
    """How far hair reaches, (b, 3) in units of the distance between the eyes.

    The lowest v at which there is hair beside the face, on the side where it reaches further and on the other one, and
    the height of the hair above the middle of the forehead; an average one where the upper edge of the image cuts it.

    Args:
        segments: probabilities, (b, segments, h, w).
        inside: 1 where the crop shows a part of the image, else 0, (b, 1, h, w); None if it does everywhere.
    """
    hair = segments[:, SEGMENTS.index("hair")]
    size = hair.shape[-1]
    steps = places_along(size).to(hair)
    ends = []
    for sign in (-1, 1):
        columns = (sign * steps > _BESIDE[0]) & (sign * steps < _BESIDE[1])
        filled = (hair[:, :, columns] > 0.5).float().sum(2) >= 2
        # hair that hangs from the head: what lies apart from it, on the shoulders or behind, is something else
        filled = F.max_pool1d(filled.float()[:, None], 3, 1, 1)[:, 0]
        hangs = torch.where(steps < _TEMPLE, torch.ones_like(filled), filled).cumprod(1) * (steps >= _TEMPLE)
        ends.append(torch.where(hangs > 0, steps, -1.0).amax(1))
    both = torch.stack(ends, dim=1)
    above = hair[:, steps < 0][:, :, steps.abs() < _ABOVE]
    thick = (above > 0.5).float().mean(2).sum(1) * 2 * HALF / size
    if inside is not None:
        middle = inside[:, 0][:, :, steps.abs() < _ABOVE]
        cut = middle[:, steps < _HAIRLINE].mean((1, 2)) < 0.5
        thick = torch.where(cut, _AVERAGE, thick)
    return torch.stack([both.amax(1), both.amin(1), thick], dim=1)


# Mean and deviation of the lower end and of the height above the forehead, in the order of `HAIR_STYLES`. Between the
# values of renders and what the same haircuts measure on people.
#        bald   buzzed short quiff bob   long  bun   afro  pigtails mohawk curly
_LOW = ((-0.7, 0.0, 0.4, 0.2, 1.05, 1.8, 0.2, 0.9, 0.9, -0.1, 0.9),
        (0.5, 0.3, 0.3, 0.3, 0.3, 0.4, 0.35, 0.35, 0.3, 0.25, 0.35))  # fmt: skip
_THICK = ((0.05, 0.45, 0.8, 1.0, 1.0, 1.0, 0.95, 1.5, 0.8, 0.7, 1.2),
          (0.12, 0.18, 0.25, 0.25, 0.3, 0.3, 0.25, 0.25, 0.25, 0.2, 0.3))  # fmt: skip
_MOST = 4.0


def style_likelihood(extent: Tensor) -> Tensor:
    """Log-likelihood of every hair style, (11,), for one row of `hair_extent`.

    The side on which hair reaches further down counts three times: the other one may be hidden or behind the shoulder,
    and something beside the face may look like hair.
    """
    terms, low = [], (3 * extent[0] + extent[1].clamp(min=-0.5)) / 4
    for value, (mean, deviation) in ((low, _LOW), (extent[2], _THICK)):
        distance = (value - torch.tensor(mean)) / torch.tensor(deviation)
        terms.append((-0.5 * distance.square()).clamp(min=-_MOST))
    return terms[0] + terms[1]
