"""Pose, expression and shape of a face from its 68 landmarks (numbered as in 300-W).

Landmarks are measured in the frame of the eyes, in units of the distance between their centres (`clay.likeness.frame`).
A trait is the deviation from the mean of photographs, in half standard deviations, within [-`LIMIT`, `LIMIT`]: a
caricature compares a person with other people, not with clay. Means and deviations were estimated on 163 frontal faces
in sample pictures of public packages.
"""

from typing import NamedTuple

import torch
from torch import Tensor

LIMIT = 0.9
_NOSE_TIP_DOWN = 0.60
"""v of the tip of the nose in a frontal view."""
_YAW, _PITCH = 1.4, 0.9
"""Radians per unit of the nose tip's shift."""
MOST_YAW, MOST_PITCH, MOST_ROLL = 0.6, 0.25, 0.2
_PROFILE = 0.42
"""Shift of the nose tip from the middle of the eyes beyond which a face is seen from the side."""

_ARCHED = 0.5
"""The trait of people's mean brows."""

#                  mean  deviation
_MOUTH_WIDTH = (0.83, 0.06)
_MOUTH_CURVE = (0.01, 0.035)
_SHAPES: dict[str, tuple[str, float, float]] = {  # measure: trait, mean, deviation
    "face": ("head_width", 2.29, 0.10),
    "jaw": ("jaw_width", 1.84, 0.11),
    "chin_width": ("chin", 0.70, 0.045),
    "chin_down": ("jaw_length", 1.81, 0.105),
    "nose_width": ("nose_width", 0.395, 0.03),
    "eye_opening": ("eye_size", 0.112, 0.011),
    "lips": ("lip_fullness", 0.214, 0.018),
    "brow_up": ("brow_height", 0.317, 0.032),
    "brow_bend": ("brow_arch", 0.096, 0.016),
}


class Shape(NamedTuple):
    """What the landmarks show.

    Args:
        traits: by name, each within [-`LIMIT`, `LIMIT`].
        yaw, pitch, roll: in radians, within the limits of rendered views.
        expression: log-likelihood of each expression of `clay.people.view.EXPRESSIONS`, up to a constant, (5,).
        shift: of the nose's tip from the middle of the eyes, in units of the distance between them.
    """

    traits: dict[str, float]
    yaw: float
    pitch: float
    roll: float
    expression: Tensor
    shift: float

    @property
    def profile(self) -> bool:
        """Whether the face is seen from the side."""
        return abs(self.shift) > _PROFILE


def eyes_of(points: Tensor) -> Tensor:
    """Centres of both eyes, (2, 2), of landmarks (68, 2); the eye at the left of the image first."""
    return torch.stack([points[36:42].mean(0), points[42:48].mean(0)])


def in_eye_frame(points: Tensor) -> Tensor:
    """Landmarks (68, 2) in pixels -> (u, v) in the frame of the eyes."""
    left, right = eyes_of(points)
    along = right - left
    c, s = along / along.norm()
    turn = torch.stack([torch.stack([c, -s]), torch.stack([s, c])])
    out: Tensor = (points - (left + right) / 2) @ turn / along.norm()
    return out


def _measures(q: Tensor) -> dict[str, float]:
    def gap(*pairs: tuple[int, int]) -> float:
        return float(torch.stack([(q[a] - q[b]).norm() for a, b in pairs]).mean())

    ends, tops = q[[17, 21, 22, 26], 1].mean(), q[[19, 24], 1].mean()
    return {
        "face": gap((0, 16)),
        "jaw": gap((4, 12)),
        "chin_width": gap((7, 9)),
        "chin_down": float(q[8, 1]),
        "nose_width": gap((31, 35)),
        "eye_opening": gap((37, 41), (38, 40), (43, 47), (44, 46)),
        "lips": gap((51, 62)) + gap((66, 57)),
        "brow_up": -float(q[17:27, 1].mean()),
        "brow_bend": float(ends - tops),
    }


def _clipped(value: float, most: float) -> float:
    return min(max(value, -most), most)


def _expression(q: Tensor, tip: float) -> tuple[Tensor, float]:
    """Log-likelihoods of neutral, smiling, surprised, sad and laughing, and by how much the mouth is wider than usual.

    Looking down bends the mouth's line upwards in the image, looking up downwards; the nose's tip gives the angle.
    """
    width = (float((q[54] - q[48]).norm()) - _MOUTH_WIDTH[0]) / _MOUTH_WIDTH[1]
    middle = (q[62, 1] + q[66, 1]) / 2
    bent = float(middle - (q[48, 1] + q[54, 1]) / 2) - 0.25 * (tip - _NOSE_TIP_DOWN)
    curve = (bent - _MOUTH_CURVE[0]) / _MOUTH_CURVE[1]
    opened = float((q[66] - q[62]).norm())
    smile = 0.5 * width + 0.5 * curve - 1.2
    gape = (opened - 0.14) / 0.04
    scores = [
        -max(smile, 0.0) - max(gape - 0.5, 0.0),
        min(smile, 2.5) - max(gape - 1.0, 0.0),
        min(gape, 2.5) - 1.0 - 2.0 * max(smile, 0.0),
        min(-curve - 2.0, 2.5) - max(gape, 0.0) - max(width, 0.0),
        min(1.5 * smile, 3.0) + min(gape, 2.0) - 0.7,
    ]
    return torch.tensor(scores), width


def shape_of(points: Tensor) -> Shape:
    """The shape of a face from its landmarks (68, 2) in pixels."""
    points = points.float()
    q = in_eye_frame(points)
    left, right = eyes_of(points)
    shift, tip = float(q[30, 0]), float(q[30, 1])
    expression, mouth = _expression(q, tip)
    traits = {}
    for name, value in _measures(q).items():
        trait, mean, deviation = _SHAPES[name]
        traits[trait] = _clipped(0.5 * (value - mean) / deviation, LIMIT)
    # the flat brows of the renderer look worried
    traits["brow_arch"] = _ARCHED + traits["brow_arch"] * (LIMIT - _ARCHED) / LIMIT
    # a smile widens the mouth, so only a closed one has its usual width
    traits["mouth_width"] = _clipped(0.5 * mouth, LIMIT) if int(expression.argmax()) == 0 else 0.0
    along = right - left
    return Shape(
        traits,
        _clipped(_YAW * shift, MOST_YAW),
        _clipped(_PITCH * (tip - _NOSE_TIP_DOWN), MOST_PITCH),
        _clipped(-float(torch.atan2(along[1], along[0])), MOST_ROLL),
        expression,
        shift,
    )
