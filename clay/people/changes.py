"""A scene with one thing changed: what an edit asks for."""

from dataclasses import replace
from typing import TypeVar

import numpy as np

from clay.people.circumstances import EXPRESSIONS, GLASSES
from clay.people.dataset import Scene
from clay.people.traits import FACIAL_HAIR, HAIR_COLOURS, HAIR_STYLES

T = TypeVar("T")

_OF_PERSON = {"hair_colour": HAIR_COLOURS, "hair_style": HAIR_STYLES, "facial_hair": FACIAL_HAIR}
_OF_VIEW: dict[str, tuple[str | bool, ...]] = {"glasses": GLASSES, "expression": EXPRESSIONS, "hat": (False, True)}
CHANGES = (*_OF_PERSON, *_OF_VIEW)


def changed(scene: Scene, name: str, rng: np.random.Generator) -> Scene:
    """The scene with another value, drawn evenly, of one of `CHANGES`."""
    person, seen = scene
    if name in _OF_PERSON:
        return replace(person, **{name: _other(_OF_PERSON[name], getattr(person, name), rng)}), seen
    return person, replace(seen, **{name: _other(_OF_VIEW[name], getattr(seen, name), rng)})


def _other(choices: tuple[T, ...], now: T, rng: np.random.Generator) -> T:
    others = [choice for choice in choices if choice != now]
    return others[int(rng.integers(len(others)))]
