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
HIDES = {
    ("hair_style", HAIR_STYLES.index("bald")): ("hair_colour",),
    # A hat covers most of what distinguishes the hair styles.
    ("hat", ATTRIBUTES["hat"].index("hat")): ("hair_style",),
}
"""By attribute and class, the attributes that an image of that class cannot show."""


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
    hidden = {name for one, others in HIDES.items() if one in found.items() for name in others}
    return [HIDDEN if name in hidden else index for name, index in found.items()]
