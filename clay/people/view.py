"""`View`: pose, light, expression, accessories and background. Two images of one person differ in nothing else."""

from dataclasses import dataclass

import numpy as np

from clay.people.checks import check_choices

EXPRESSIONS = ("neutral", "smiling", "surprised", "sad", "laughing")
GLASSES = ("none", "glasses", "sunglasses")
BACKGROUNDS = ("blue", "green", "yellow", "pink", "purple", "white", "teal", "orange")

BACKGROUND_COLOURS = (
    (0.45, 0.66, 0.92), (0.52, 0.80, 0.56), (0.98, 0.84, 0.45), (0.97, 0.66, 0.72),
    (0.68, 0.58, 0.90), (0.93, 0.93, 0.92), (0.35, 0.72, 0.74), (0.98, 0.66, 0.42),
)  # fmt: skip
"""sRGB in [0, 1], in the order of `BACKGROUNDS`."""
SEGMENTS = ("background", "skin", "eyes", "clothes", "hair", "hat", "frames", "lenses", "beard")
"""What a pixel can show; the renderer's materials, with the beard apart from the skin."""

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
class View:
    """Everything about an image that is not the person.

    Args:
        yaw, pitch, roll: head rotation in radians, sampled up to 0.6, 0.25 and 0.2.
        light_azimuth, light_elevation: direction of the key light, in radians.
        gaze: sideways direction of the eyes, -0.25 to 0.25.
        expression: one of `EXPRESSIONS`.
        strength: scale of the expression, about 1.
        glasses: one of `GLASSES`.
        squareness: shape of the glasses, 0 (round) to 1 (square).
        hat: whether the person wears a beanie.
        background, clothes, hat_colour: one of `BACKGROUNDS`.

    Raises:
        ValueError: a named choice is not one of its options.
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
        check_choices(self, _CHOICES)


def sample_view(rng: np.random.Generator) -> View:
    """A random view; hats, glasses and every expression are frequent enough to be learned."""

    def angle(spread: float, limit: float) -> float:
        return float(np.clip(rng.normal(0.0, spread), -limit, limit))

    return View(
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
