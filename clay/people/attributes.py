"""The attributes of a picture, their classes, and the true class of each for a scene."""

from clay.people.circumstances import EXPRESSIONS, GLASSES, Circumstances
from clay.people.traits import FACIAL_HAIR, HAIR_COLOURS, HAIR_STYLES, SKIN_TONES, Person

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


def true_classes(person: Person, seen: Circumstances) -> list[int]:
    """Index of the true class of each attribute, `HIDDEN` where the picture cannot show it."""
    names = {
        "hair_colour": person.hair_colour if person.hair_style != "bald" else None,
        # A hat presses down or covers most of what tells the styles apart.
        "hair_style": person.hair_style if not seen.hat else None,
        "facial_hair": person.facial_hair,
        "skin_tone": person.skin_tone,
        "glasses": seen.glasses,
        "expression": seen.expression,
        "hat": "hat" if seen.hat else "no hat",
    }
    return [
        HIDDEN if (name := names[attribute]) is None else classes.index(name)
        for attribute, classes in ATTRIBUTES.items()
    ]
