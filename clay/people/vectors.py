"""The parameters of a scene as vectors: targets of `clay.networks.readout.Readout` in training.

Parameters that mirroring an image changes (yaw, roll, gaze, parting) are left out, because training mirrors images.
"""

import numpy as np
import torch
from torch import Tensor

from clay.people.person import CHOICES, TRAITS, Person
from clay.people.view import BACKGROUNDS, EXPRESSIONS, GLASSES, View

_TRAITS = tuple(name for name in TRAITS if name != "parting")
PERSON_SIZE = len(_TRAITS) + 1 + sum(len(choices) for choices in CHOICES.values())
VIEW_SIZE = len(EXPRESSIONS) + len(GLASSES) + 3 * len(BACKGROUNDS) + 3


def _one_hot(name: str, choices: tuple[str, ...], size: float = 1.0) -> list[float]:
    return [size * (choice == name) for choice in choices]


def person_vector(person: Person) -> list[float]:
    """Traits and skin in [-1, 1], then each named choice one-hot; `PERSON_SIZE` numbers."""
    vector = [getattr(person, name) for name in _TRAITS] + [person.skin / 2.5 - 1]
    return vector + [v for name, choices in CHOICES.items() for v in _one_hot(getattr(person, name), choices)]


def person_weights() -> list[float]:
    """The weight of each entry of `person_vector` in the similarity of two people; `PERSON_SIZE` numbers.

    sqrt(3) for traits and skin, which are uniform in [-1, 1] and so get variance 1; 1.5 for the hair; 1 for other
    choices.
    """
    weights = {"hair_style": 1.5, "hair_colour": 1.5}
    choices = [weights.get(name, 1.0) for name, names in CHOICES.items() for _ in names]
    return [3**0.5] * (len(_TRAITS) + 1) + choices


def view_vector(view: View) -> list[float]:
    """Expression times strength, glasses, colours, hat, pitch and elevation of the light; `VIEW_SIZE` numbers."""
    hat = _one_hot(view.hat_colour, BACKGROUNDS, float(view.hat))
    vector = _one_hot(view.expression, EXPRESSIONS, view.strength) + _one_hot(view.glasses, GLASSES) + hat
    vector += _one_hot(view.background, BACKGROUNDS) + _one_hot(view.clothes, BACKGROUNDS)
    return [*vector, float(view.hat), 4 * view.pitch, 3 * (view.light_elevation - 0.6)]


def scene_vectors(scenes: list[tuple[Person, View]]) -> Tensor:
    """The vectors of person and view of n scenes, (n, PERSON_SIZE + VIEW_SIZE) float32."""
    rows = [person_vector(person) + view_vector(view) for person, view in scenes]
    return torch.from_numpy(np.array(rows, dtype=np.float32))
