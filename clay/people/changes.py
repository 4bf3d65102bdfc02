"""Scenes that differ from another scene in one parameter, as the target of an edit differs from its start."""

from dataclasses import replace
from typing import TypeVar

import numpy as np

from clay.people.dataset import Scene
from clay.people.person import FACIAL_HAIR, HAIR_COLOURS, HAIR_STYLES
from clay.people.view import EXPRESSIONS, GLASSES

T = TypeVar("T")

_OF_PERSON = {"hair_colour": HAIR_COLOURS, "hair_style": HAIR_STYLES, "facial_hair": FACIAL_HAIR}
_OF_VIEW: dict[str, tuple[str | bool, ...]] = {"glasses": GLASSES, "expression": EXPRESSIONS, "hat": (False, True)}
CHANGES = (*_OF_PERSON, *_OF_VIEW)


def changed(scene: Scene, name: str, rng: np.random.Generator) -> Scene:
    """The scene with another value, uniformly drawn, of one parameter.

    Args:
        scene: person and view.
        name: one of `CHANGES`.
        rng: source of the new value.
    """
    person, view = scene
    if name in _OF_PERSON:
        return replace(person, **{name: _other(_OF_PERSON[name], getattr(person, name), rng)}), view
    return person, replace(view, **{name: _other(_OF_VIEW[name], getattr(view, name), rng)})


def _other(choices: tuple[T, ...], current: T, rng: np.random.Generator) -> T:
    others = [choice for choice in choices if choice != current]
    return others[int(rng.integers(len(others)))]
