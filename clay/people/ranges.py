"""A scene as named values within ranges, as sliders and programs set them."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields

from clay.people.dataset import Scene
from clay.people.person import CHOICES, EYE_COLOURS, FACIAL_HAIR, HAIR_COLOURS, HAIR_STYLES, TRAITS, Person
from clay.people.view import BACKGROUNDS, EXPRESSIONS, GLASSES, View

NUMBERS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(TRAITS, (-1.0, 1.0)),
    "skin": (0.0, 5.0),
    "yaw": (-0.6, 0.6),
    "pitch": (-0.25, 0.25),
    "roll": (-0.2, 0.2),
    "gaze": (-0.25, 0.25),
    "light_azimuth": (-1.1, 1.1),
    "light_elevation": (0.25, 0.95),
    "strength": (0.75, 1.1),
    "squareness": (0.0, 1.0),
}
"""Lowest and highest value of each number."""
OPTIONS: dict[str, tuple[str, ...]] = {
    "hair_style": HAIR_STYLES,
    "hair_colour": HAIR_COLOURS,
    "eye_colour": EYE_COLOURS,
    "facial_hair": FACIAL_HAIR,
    "expression": EXPRESSIONS,
    "glasses": GLASSES,
    "background": BACKGROUNDS,
    "clothes": BACKGROUNDS,
    "hat_colour": BACKGROUNDS,
}
"""The options of each choice."""
_OF_PERSON = (*TRAITS, "skin", *CHOICES)


def values_of(scene: Scene) -> dict[str, float | str | bool]:
    """All values of a scene by name; numbers are moved into their ranges."""
    person, view = scene
    values = asdict(person) | asdict(view)
    return {name: _clamped(name, value) if name in NUMBERS else value for name, value in values.items()}


def scene_of_values(values: Mapping[str, object]) -> Scene:
    """The scene of these values; those left out have their defaults, and numbers are moved into their ranges.

    Raises:
        ValueError: a name is unknown, a number is not finite, or a choice is not one of its options.
    """
    unknown = sorted(values.keys() - {field.name for one in (Person, View) for field in fields(one)})
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no value of a scene: use {', '.join((*NUMBERS, *OPTIONS, 'hat'))}.")
    checked = {name: _checked(name, value) for name, value in values.items()}
    person = {name: value for name, value in checked.items() if name in _OF_PERSON}
    view = {name: value for name, value in checked.items() if name not in _OF_PERSON}
    return Person(**person), View(**view)  # type: ignore[arg-type]


def _checked(name: str, value: object) -> float | str | bool:
    if name == "hat":
        return bool(value)
    if name in OPTIONS:
        if value not in OPTIONS[name]:
            raise ValueError(f"{name} must be one of {', '.join(OPTIONS[name])}, but is {value!r}.")
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number, but is {value!r}.")
    return _clamped(name, value)


def _clamped(name: str, value: float) -> float:
    low, high = NUMBERS[name]
    return min(max(float(value), low), high)
