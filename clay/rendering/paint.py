"""Colours and light direction of a scene, as one float32 table for the shading."""

import numpy as np

from clay.people.person import EYE_COLOURS, HAIR_COLOURS, Person
from clay.people.view import BACKGROUND_COLOURS, BACKGROUNDS, View

# Rows of the table.
SKIN, HAIR, FACIAL_HAIR, IRIS, LIPS, BACKGROUND, CLOTHES, HAT, LIGHT = range(9)

_SKINS = np.array([
    [0.99, 0.84, 0.74], [0.95, 0.74, 0.60], [0.86, 0.62, 0.46],
    [0.70, 0.46, 0.31], [0.50, 0.31, 0.21], [0.33, 0.20, 0.14],
])  # fmt: skip
_HAIRS = np.array([
    [0.07, 0.06, 0.07], [0.30, 0.17, 0.09], [0.86, 0.66, 0.30], [0.68, 0.22, 0.07],
    [0.62, 0.62, 0.64], [0.16, 0.36, 0.80], [0.93, 0.42, 0.62],
])  # fmt: skip
_IRISES = np.array([[0.36, 0.18, 0.07], [0.16, 0.45, 0.86], [0.20, 0.58, 0.26], [0.45, 0.52, 0.58]])
_BACKGROUNDS = np.array(BACKGROUND_COLOURS)
_NATURAL = HAIR_COLOURS[:5]  # other hair colours are dyed: the beard is brown


def paint(person: Person, view: View) -> np.ndarray:
    """The table of a scene, (9, 3) float32: eight colours (linear, in [0, 1]), and the unit vector to the light."""
    below = min(int(person.skin), len(_SKINS) - 2)
    share = person.skin - below
    skin = _SKINS[below] * (1 - share) + _SKINS[below + 1] * share
    hair = _HAIRS[HAIR_COLOURS.index(person.hair_colour)] * (1 + 0.15 * person.hair_shade)
    facial_hair = hair * 0.8 if person.hair_colour in _NATURAL else np.array([0.25, 0.15, 0.10])
    lips = skin * np.array([0.90, 0.60, 0.60]) + np.array([0.03, 0.0, 0.01])
    table = np.stack([
        skin,
        hair,
        facial_hair,
        _IRISES[EYE_COLOURS.index(person.eye_colour)],
        lips,
        _BACKGROUNDS[BACKGROUNDS.index(view.background)],
        _BACKGROUNDS[BACKGROUNDS.index(view.clothes)] * 0.72,
        _BACKGROUNDS[BACKGROUNDS.index(view.hat_colour)] * 0.80,
    ])  # fmt: skip
    side, up = view.light_azimuth, view.light_elevation
    light = np.array([np.sin(side) * np.cos(up), np.sin(up), np.cos(side) * np.cos(up)])
    return np.concatenate([np.clip(table, 0, 1) ** 2.2, light[None]]).astype(np.float32)
