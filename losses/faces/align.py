"""The crop of a face, computed from its 68 points.

With the mean positions of the left eye, the right eye and the mouth,

    e = mean distance from the eyes to the mouth,   s = e / 0.45,   r = mean of the three positions,

the crop is a square of side s in which r lies at (0.5, 0.43). The recognition network was trained on such crops. The
package @vladmandic/face-api uses upright squares in whole pixels; here the square is rotated with the eyes and not
rounded (`chip`).

Other recognition networks were trained on crops of 112 x 112 pixels, aligned to the ArcFace template by the similarity
transform with the least squared error for eyes, tip of the nose and corners of the mouth (`template`):

    min over a, b of sum_k |a p_k + b - t_k|^2,   p, t complex: points of the image and of the template
    a = sum_k conj(p_k - p) (t_k - t) / sum_k |p_k - p|^2,   b = t - a p
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_LEFT_EYE, _RIGHT_EYE, _MOUTH = slice(36, 42), slice(42, 48), slice(48, 68)
_NOSE, _CORNERS = 30, (48, 54)
_SCALE, _DOWN = 0.45, 0.43
_TEMPLATE_SIDE = 112
# eyes, tip of the nose, corners of the mouth (Deng et al. 2019, arXiv 1801.07698)
_TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))


@dataclass(frozen=True)
class Square:
    """A square in an image, in pixels; the centre of the first pixel is at 0.

    Args:
        x, y: centre.
        side: length of a side, > 0.
        turn: clockwise rotation in radians.

    Raises:
        ValueError: a value is not finite, or the side is not positive.
    """

    x: float
    y: float
    side: float
    turn: float = 0.0

    def __post_init__(self) -> None:
        if not (self.side > 0 and all(math.isfinite(v) for v in (self.x, self.y, self.side, self.turn))):
            raise ValueError(f"A square needs finite numbers and a side > 0; got {self}.")

    def at(self, u: float, v: float) -> tuple[float, float]:
        """The position in the image of (u, v), fractions of the side from the square's upper left corner."""
        across, down = (u - 0.5) * self.side, (v - 0.5) * self.side
        c, s = math.cos(self.turn), math.sin(self.turn)
        return self.x + c * across - s * down, self.y + s * across + c * down

    def corners(self) -> tuple[tuple[float, float], ...]:
        """The four corners, clockwise from the upper left."""
        return self.at(0, 0), self.at(1, 0), self.at(1, 1), self.at(0, 1)

    def wider(self, margin: float) -> Square:
        """The square, enlarged by `margin` times its side on all four sides."""
        return Square(self.x, self.y, self.side * (1 + 2 * margin), self.turn)

    def half_way(self, other: Square) -> Square:
        """The mean of this square and another one."""
        pairs = ((self.x, other.x), (self.y, other.y), (self.side, other.side), (self.turn, other.turn))
        return Square(*((mine + others) / 2 for mine, others in pairs))


def chip(points: Tensor) -> Square:
    """The square for dlib's network, rotated so that the eyes are level; points (68, 2) in pixels."""
    left, right, mouth = (points[part].double().mean(dim=0) for part in (_LEFT_EYE, _RIGHT_EYE, _MOUTH))
    x, y = ((left + right + mouth) / 3).tolist()
    side = float(((mouth - left).norm() + (mouth - right).norm()) / 2) / _SCALE
    across, fall = (right - left).tolist()
    turn = math.atan2(fall, across)
    down = (0.5 - _DOWN) * side
    return Square(x - math.sin(turn) * down, y + math.cos(turn) * down, side, turn)


def template(points: Tensor) -> Square:
    """The square that aligns a face to the ArcFace template; points (68, 2) in pixels."""
    eyes = [points[part].double().mean(dim=0) for part in (_LEFT_EYE, _RIGHT_EYE)]
    found = torch.view_as_complex(torch.stack([*eyes, *points[[_NOSE, *_CORNERS]].double()]))
    target = torch.view_as_complex(torch.tensor(_TEMPLATE, dtype=torch.float64)).to(found.device)
    p, t = found.mean(), target.mean()
    a = ((found - p).conj() * (target - t)).sum() / (found - p).abs().square().sum()
    middle = p + (complex(_TEMPLATE_SIDE / 2, _TEMPLATE_SIDE / 2) - t) / a
    turn = -math.atan2(float(a.imag), float(a.real))
    return Square(float(middle.real), float(middle.imag), _TEMPLATE_SIDE / float(a.abs()), turn)
