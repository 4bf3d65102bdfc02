"""Scenes for a `Guess`: the most likely one, and others that differ where the measurement is least certain."""

import numpy as np
import torch
from torch import Tensor

from clay.likeness.guess import Guess
from clay.people.attributes import ATTRIBUTES
from clay.people.dataset import Scene
from clay.people.person import HAIR_COLOURS
from clay.people.ranges import scene_of_values, values_of
from clay.people.view import BACKGROUND_COLOURS, BACKGROUNDS

_DEFAULT_SKIN = 1.0
_GREY, _DARK = 0.15, 0.2
_WITHOUT_HUE = ("black", "brown", "grey")
_UNCERTAIN = ("facial_hair", "hair_colour", "expression", "glasses")
_OPEN, _APART = (1.4, 3.6), 1.2
"""Skin between fair and dark, which a light face in the dark and a dark face in bright light share."""


def _named(guess: Guess, name: str, rank: int = 0) -> str:
    order = guess.attributes[name].argsort(descending=True)
    return ATTRIBUTES[name][int(order[rank])]


def _nearest(colour: Tensor | None, default: str) -> str:
    """The nearest of `BACKGROUNDS` at the same brightness; white for a grey, the default for what is nearly black."""
    if colour is None or float(colour.max()) < _DARK:
        return default
    if float(colour.max() - colour.min()) < _GREY * float(colour.max()):
        return "white"
    colour = colour * 0.95 / colour.max()
    distances = [float((colour - torch.tensor(one)).norm()) for one in BACKGROUND_COLOURS]
    return BACKGROUNDS[int(np.argmin(distances))]


def _hair_colour(guess: Guess) -> str:
    """The most likely colour; without colours in the photograph that of black, brown and grey."""
    if not guess.light.grey:
        return _named(guess, "hair_colour")
    grey = {name: float(guess.attributes["hair_colour"][HAIR_COLOURS.index(name)]) for name in _WITHOUT_HUE}
    return max(grey, key=lambda name: grey[name])


def scene_of(guess: Guess) -> Scene:
    """The most likely scene."""
    shape = guess.shape
    background = _nearest(guess.background, "white")
    return scene_of_values({
        **shape.traits,
        **{name: _named(guess, name) for name in ("hair_style", "facial_hair", "expression", "glasses")},
        "hair_colour": _hair_colour(guess),
        "skin": _DEFAULT_SKIN if guess.light.grey else guess.skin,
        "hat": _named(guess, "hat") == "hat",
        "yaw": shape.yaw,
        "pitch": shape.pitch,
        "roll": shape.roll,
        "light_azimuth": -0.4,
        "background": background,
        "clothes": _nearest(guess.clothes, "blue"),
        "hat_colour": "purple" if background != "purple" else "orange",
    })  # fmt: skip


def candidates(guess: Guess) -> list[Scene]:
    """Three scenes, the most likely first; the second has the second hair style.

    The third has another skin where the exposure of the photograph leaves it open, and else the second class of the
    attribute that is least certain.
    """
    first = scene_of(guess)
    if not guess.light.grey and _OPEN[0] < guess.skin < _OPEN[1]:
        other: dict[str, object] = {"skin": guess.skin + (_APART if guess.skin < sum(_OPEN) / 2 else -_APART)}
    else:
        names = [name for name in _UNCERTAIN if not (guess.light.grey and name == "hair_colour")]
        name = max(names, key=lambda one: float(guess.attributes[one].topk(2).values[1]))
        other = {name: _named(guess, name, 1)}
    changes: list[dict[str, object]] = [{"hair_style": _named(guess, "hair_style", 1)}, other]
    return [first, *(scene_of_values({**values_of(first), **change}) for change in changes)]
