"""`Person`: the parameters of an identity, which are the same in all of its views.

A trait is a number from -1 to 1; 0 is the average person. Captions and attributes use only the named choices (hair,
eyes, skin, facial hair). No parameter encodes gender or origin.
"""

from dataclasses import dataclass, fields

import numpy as np

from clay.people.checks import check_choices

HAIR_STYLES = (
    "bald", "buzzed", "short", "quiff", "bob", "long", "bun", "afro", "pigtails", "mohawk", "curly",
)  # fmt: skip
HAIR_COLOURS = ("black", "brown", "blonde", "red", "grey", "blue", "pink")
EYE_COLOURS = ("brown", "blue", "green", "grey")
FACIAL_HAIR = ("none", "stubble", "moustache", "beard", "goatee")
SKIN_TONES = ("fair", "tan", "brown", "dark")

# No style is so rare that a classifier could ignore it.
_STYLE_ODDS = (0.09, 0.08, 0.13, 0.10, 0.11, 0.12, 0.09, 0.08, 0.06, 0.05, 0.09)
_COLOUR_ODDS = (0.19, 0.19, 0.17, 0.15, 0.12, 0.09, 0.09)
_EYE_ODDS = (0.34, 0.26, 0.24, 0.16)
_FACIAL_HAIR_ODDS = (0.44, 0.12, 0.14, 0.17, 0.13)
_DARKEST = 5.0


@dataclass(frozen=True)
class Person:
    """One identity.

    Args:
        head_width, jaw_width, jaw_length, cheeks, chin: head traits, -1..1.
        nose_length, nose_width, eye_spacing, eye_size, eye_height: traits, -1..1.
        lip_fullness, mouth_width, brow_thickness, brow_arch, brow_height, ear_size: traits, -1..1.
        hair_shade, hairline, parting: hair traits, -1..1.
        skin: 0 (lightest) to 5 (darkest).
        hair_style, hair_colour, eye_colour, facial_hair: one of `HAIR_STYLES`, `HAIR_COLOURS`, `EYE_COLOURS` and
            `FACIAL_HAIR`.

    Raises:
        ValueError: a trait or the skin is out of its range, or a named choice is not one of its options.
    """

    head_width: float = 0.0
    jaw_width: float = 0.0
    jaw_length: float = 0.0
    cheeks: float = 0.0
    chin: float = 0.0
    nose_length: float = 0.0
    nose_width: float = 0.0
    eye_spacing: float = 0.0
    eye_size: float = 0.0
    eye_height: float = 0.0
    lip_fullness: float = 0.0
    mouth_width: float = 0.0
    brow_thickness: float = 0.0
    brow_arch: float = 0.0
    brow_height: float = 0.0
    ear_size: float = 0.0
    hair_shade: float = 0.0
    hairline: float = 0.0
    parting: float = 0.0
    skin: float = 1.0
    hair_style: str = "short"
    hair_colour: str = "brown"
    eye_colour: str = "brown"
    facial_hair: str = "none"

    def __post_init__(self) -> None:
        check_choices(self, CHOICES)
        if not 0.0 <= self.skin <= _DARKEST:
            raise ValueError(f"skin must lie between 0 and {_DARKEST:g}, but is {self.skin!r}.")
        for name in TRAITS:
            if not -1.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie between -1 and 1, but is {getattr(self, name)!r}.")

    @property
    def skin_tone(self) -> str:
        """The name of `skin`: fair, tan, brown or dark."""
        return SKIN_TONES[(0, 0, 1, 2, 3, 3)[round(self.skin)]]


CHOICES = {
    "hair_style": HAIR_STYLES,
    "hair_colour": HAIR_COLOURS,
    "eye_colour": EYE_COLOURS,
    "facial_hair": FACIAL_HAIR,
}
TRAITS = tuple(f.name for f in fields(Person) if f.name not in CHOICES and f.name != "skin")


def sample_person(rng: np.random.Generator) -> Person:
    """A random person; traits and skin are uniformly distributed."""
    traits = {name: float(rng.uniform(-1.0, 1.0)) for name in TRAITS}
    return Person(
        **traits,
        skin=float(rng.uniform(0.0, _DARKEST)),
        hair_style=str(rng.choice(HAIR_STYLES, p=_STYLE_ODDS)),
        hair_colour=str(rng.choice(HAIR_COLOURS, p=_COLOUR_ODDS)),
        eye_colour=str(rng.choice(EYE_COLOURS, p=_EYE_ODDS)),
        facial_hair=str(rng.choice(FACIAL_HAIR, p=_FACIAL_HAIR_ODDS)),
    )
