"""The attributes of an image, their classes, and the true class of each attribute for a scene."""

from collections.abc import Collection

from clay.people.person import FACIAL_HAIR, HAIR_COLOURS, HAIR_STYLES, SKIN_TONES, Person
from clay.people.view import EXPRESSIONS, GLASSES, View

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "hair_colour": HAIR_COLOURS,
    "hair_style": HAIR_STYLES,
    "facial_hair": FACIAL_HAIR,
    "skin_tone": SKIN_TONES,
    "glasses": GLASSES,
    "expression": EXPRESSIONS,
    "hat": ("no hat", "hat"),
}
HIDDEN = -1
"""The class of an attribute that the image cannot show."""
_HIDES = {
    ("hair_style", HAIR_STYLES.index("bald")): ("hair_colour",),
    # A hat covers most of what distinguishes the hair styles.
    ("hat", ATTRIBUTES["hat"].index("hat")): ("hair_style",),
}
"""By attribute and class, the attributes that an image of that class cannot show."""


def hidden_by(classes: Collection[tuple[str, int]]) -> set[str]:
    """The attributes that an image cannot show if it is of one of these classes of attributes."""
    return {name for one in classes for name in _HIDES.get(one, ())}


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
    }
    found = {name: classes.index(names[name]) for name, classes in ATTRIBUTES.items()}
    hidden = hidden_by(found.items())
    return [HIDDEN if name in hidden else index for name, index in found.items()]
