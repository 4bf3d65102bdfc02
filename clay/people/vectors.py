"""The parameters of a scene as vectors, for networks that are to know them: `Readout` reads them off a code.

A linear map from a code to these numbers, trained beside the code's own loss, asks that the code holds them in
plain sight: along straight lines, where gradients and interpolations find them. What a mirror image changes (yaw,
roll, gaze, parting) is left out, because training mirrors pictures.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.people.circumstances import BACKGROUNDS, EXPRESSIONS, GLASSES, Circumstances
from clay.people.traits import CHOICES, TRAITS, Person

_TRAITS = tuple(name for name in TRAITS if name != "parting")
PERSON_NUMBERS = len(_TRAITS) + 1 + sum(len(choices) for choices in CHOICES.values())
VIEW_NUMBERS = len(EXPRESSIONS) + len(GLASSES) + 3 * len(BACKGROUNDS) + 3


def _one_hot(name: str, choices: tuple[str, ...], size: float = 1.0) -> list[float]:
    return [size * (choice == name) for choice in choices]


def person_numbers(person: Person) -> list[float]:
    """Traits and skin in -1..1, then 0 and 1 for each named choice; `PERSON_NUMBERS` in all."""
    numbers = [getattr(person, name) for name in _TRAITS] + [person.skin / 2.5 - 1]
    return numbers + [v for name, choices in CHOICES.items() for v in _one_hot(getattr(person, name), choices)]


def person_weights() -> list[float]:
    """How much each of `person_numbers` counts in how alike two people are: sqrt(3) for what is uniform in -1..1, which
    makes its variance one; 1.5 for the hair, 1 for other choices.
    """
    sizes = {"hair_style": 1.5, "hair_colour": 1.5}
    choices = [sizes.get(name, 1.0) for name, names in CHOICES.items() for _ in names]
    return [3**0.5] * (len(_TRAITS) + 1) + choices


def view_numbers(seen: Circumstances) -> list[float]:
    """Expression by strength, glasses, hat, colours, pitch and height of the light; `VIEW_NUMBERS` in all."""
    hat = _one_hot(seen.hat_colour, BACKGROUNDS, float(seen.hat))
    numbers = _one_hot(seen.expression, EXPRESSIONS, seen.strength) + _one_hot(seen.glasses, GLASSES) + hat
    numbers += _one_hot(seen.background, BACKGROUNDS) + _one_hot(seen.clothes, BACKGROUNDS)
    return [*numbers, float(seen.hat), 4 * seen.pitch, 3 * (seen.light_elevation - 0.6)]


def scene_numbers(scenes: list[tuple[Person, Circumstances]]) -> Tensor:
    """(n, PERSON_NUMBERS + VIEW_NUMBERS) float32."""
    rows = [person_numbers(person) + view_numbers(seen) for person, seen in scenes]
    return torch.from_numpy(np.array(rows, dtype=np.float32))


class Readout(nn.Module):
    """A network and, for its training only, a linear map from its codes to the numbers of the scene.

    Args:
        network: what is trained and kept.
        width: length of its codes.
        numbers: how many numbers are read.
    """

    def __init__(self, network: nn.Module, width: int, numbers: int) -> None:
        super().__init__()
        self.network = network
        self.read = nn.Linear(width, numbers)

    def loss(self, code: Tensor, numbers: Tensor) -> Tensor:
        """Mean squared error of the numbers read off codes (n, width)."""
        return F.mse_loss(self.read(code), numbers)
