"""How someone is seen: pose, light, mood and things worn. Two renders of one person differ in nothing else."""

from dataclasses import dataclass

import numpy as np

EXPRESSIONS = ("neutral", "smiling", "surprised", "sad", "laughing")
GLASSES = ("none", "glasses", "sunglasses")
BACKGROUNDS = ("blue", "green", "yellow", "pink", "purple", "white", "teal", "orange")

_EXPRESSION_ODDS = (0.24, 0.26, 0.16, 0.16, 0.18)
_GLASSES_ODDS = (0.56, 0.27, 0.17)
_HAT_ODDS = 0.22
_CHOICES = {
    "expression": EXPRESSIONS,
    "glasses": GLASSES,
    "background": BACKGROUNDS,
    "clothes": BACKGROUNDS,
    "hat_colour": BACKGROUNDS,
}


@dataclass(frozen=True)
class Circumstances:
    """One way to be seen.

    Args:
        yaw, pitch, roll: head rotation in radians; useful up to 0.6, 0.25 and 0.2.
        light_azimuth, light_elevation: where the key light stands, in radians.
        gaze: how far the eyes look aside, -0.25 to 0.25.
        expression: one of `EXPRESSIONS`, with `strength` about 1.
        glasses: one of `GLASSES`; `squareness` 0 (round) to 1 (square).
        hat: whether a beanie is worn, in `hat_colour`.
        background, clothes, hat_colour: one of `BACKGROUNDS`.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    light_azimuth: float = -0.6
    light_elevation: float = 0.6
    gaze: float = 0.0
    expression: str = "neutral"
    strength: float = 1.0
    glasses: str = "none"
    squareness: float = 0.5
    hat: bool = False
    background: str = "blue"
    clothes: str = "green"
    hat_colour: str = "orange"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, but is {getattr(self, name)!r}.")


def sample_circumstances(rng: np.random.Generator) -> Circumstances:
    """A new view. Things a caption mentions are frequent enough to be learned, hats and glasses included."""

    def angle(spread: float, limit: float) -> float:
        return float(np.clip(rng.normal(0.0, spread), -limit, limit))

    return Circumstances(
        yaw=angle(0.28, 0.6),
        pitch=angle(0.11, 0.25),
        roll=angle(0.08, 0.2),
        light_azimuth=float(rng.uniform(-1.1, 1.1)),
        light_elevation=float(rng.uniform(0.25, 0.95)),
        gaze=float(rng.uniform(-0.25, 0.25)),
        expression=str(rng.choice(EXPRESSIONS, p=_EXPRESSION_ODDS)),
        strength=float(rng.uniform(0.75, 1.1)),
        glasses=str(rng.choice(GLASSES, p=_GLASSES_ODDS)),
        squareness=float(rng.uniform(0.0, 1.0)),
        hat=bool(rng.random() < _HAT_ODDS),
        background=str(rng.choice(BACKGROUNDS)),
        clothes=str(rng.choice(BACKGROUNDS)),
        hat_colour=str(rng.choice(BACKGROUNDS)),
    )
