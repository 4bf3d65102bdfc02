"""The attributes of an image, their classes, and the true class of each attribute for a scene."""

from collections.abc import Collection

from clay.people.person import EYE_COLOURS, FACIAL_HAIR, HAIR_COLOURS, HAIR_STYLES, SKIN_TONES, Person
from clay.people.view import BACKGROUNDS, EXPRESSIONS, GLASSES, View

Classes = Collection[tuple[str, int]]
"""Classes of attributes, each as (attribute, index)."""

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "hair_colour": HAIR_COLOURS,
    "hair_style": HAIR_STYLES,
    "facial_hair": FACIAL_HAIR,
    "skin_tone": SKIN_TONES,
    "glasses": GLASSES,
    "expression": EXPRESSIONS,
    "hat": ("no hat", "hat"),
    "eye_colour": EYE_COLOURS,
    "background_colour": BACKGROUNDS,
    "clothes_colour": BACKGROUNDS,
    "hat_colour": BACKGROUNDS,
}
PALETTE = ("eye_colour", "background_colour", "clothes_colour", "hat_colour")
"""The attributes that are no more than the colour of something; they have a classifier of their own."""
HIDDEN = -1
"""The class of an attribute that the image cannot show."""
_HIDES = {
    ("hair_style", HAIR_STYLES.index("bald")): ("hair_colour",),
    # A hat covers most of what distinguishes the hair styles.
    ("hat", ATTRIBUTES["hat"].index("hat")): ("hair_style",),
    ("hat", ATTRIBUTES["hat"].index("no hat")): ("hat_colour",),
    ("glasses", GLASSES.index("sunglasses")): ("eye_colour",),
}
"""By attribute and class, the attributes that an image of that class cannot show."""


def hidden_by(classes: Classes) -> set[str]:
    """The attributes that an image cannot show if it is of one of these classes."""
    return {name for one in classes for name in _HIDES.get(one, ())}


def implied_by(classes: Classes) -> set[tuple[str, int]]:
    """The classes that an image of these classes also has: whatever has the colour of a hat has a hat."""
    return {("hat", ATTRIBUTES["hat"].index("hat")) for name, _ in classes if name == "hat_colour"}


def true_classes(person: Person, view: View) -> list[int]:
    """Index of the true class of each attribute in `ATTRIBUTES`, or `HIDDEN` where the image cannot show it."""
    names = {
        "hair_colour": person.hair_colour,
        "hair_style": person.hair_style,
        "facial_hair": person.facial_hair,
        "skin_tone": person.skin_tone,
        "glasses": view.glasses,
        "expression": view.expression,
        "hat": "hat" if view.hat else "no hat",
        "eye_colour": person.eye_colour,
        "background_colour": view.background,
        "clothes_colour": view.clothes,
        "hat_colour": view.hat_colour,
    }
    found = {name: classes.index(names[name]) for name, classes in ATTRIBUTES.items()}
    hidden = hidden_by(found.items())
    return [HIDDEN if name in hidden else index for name, index in found.items()]
