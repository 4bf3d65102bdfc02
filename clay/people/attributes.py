"""The attributes of an image, their classes, and the true class of each attribute for a scene."""

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


def true_classes(person: Person, view: View) -> list[int]:
    """Index of the true class of each attribute in `ATTRIBUTES`, or `HIDDEN` where the image cannot show it."""
    names = {
        "hair_colour": person.hair_colour if person.hair_style != "bald" else None,
        # A hat covers most of what distinguishes the hair styles.
        "hair_style": person.hair_style if not view.hat else None,
        "facial_hair": person.facial_hair,
        "skin_tone": person.skin_tone,
        "glasses": view.glasses,
        "expression": view.expression,
        "hat": "hat" if view.hat else "no hat",
    }
    return [
        HIDDEN if (name := names[attribute]) is None else classes.index(name)
        for attribute, classes in ATTRIBUTES.items()
    ]
