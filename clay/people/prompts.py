"""Short prompts, one for each class of each attribute, for training CLIP and for zero-shot classification with it."""

import numpy as np

from clay.people.attributes import ATTRIBUTES
from clay.people.captions import (
    EXPRESSION_WORDS,
    FACIAL_HAIR_WORDS,
    GLASSES_WORDS,
    HAT_WORDS,
    STYLE_WORDS,
)

_WITH = ("a face with {}", "a person with {}", "{}", "a clay face with {}")
_IS = ("a {} face", "a {} person", "a {} clay face")


def _coloured(attribute: str, *frames: str) -> dict[str, tuple[str, ...]]:
    """By class of an attribute, the frames with its colour in place of `{}`; "a" becomes "an" before a vowel."""
    named = {name: f"an {name}" if name[0] in "aeiou" else f"a {name}" for name in ATTRIBUTES[attribute]}
    return {c: tuple(f.replace("a {}", named[c]).format(c) for f in frames) for c in ATTRIBUTES[attribute]}


# Phrases for each class of each attribute; `PROMPTS` uses the first.
WORDINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "hair_colour": _coloured("hair_colour", "{} hair"),
    "hair_style": STYLE_WORDS,
    "facial_hair": FACIAL_HAIR_WORDS,
    "skin_tone": _coloured("skin_tone", "{} skin"),
    "glasses": GLASSES_WORDS,
    "expression": EXPRESSION_WORDS,
    "hat": HAT_WORDS,
    "eye_colour": _coloured("eye_colour", "{} eyes"),
    "background_colour": _coloured("background_colour", "a {} background"),
    "clothes_colour": _coloured("clothes_colour", "a {} shirt", "{} clothes"),
    "hat_colour": _coloured("hat_colour", "a {} hat", "a {} beanie"),
}

PROMPTS: dict[str, tuple[str, ...]] = {
    name: tuple((_IS if name == "expression" else _WITH)[0].format(WORDINGS[name][c][0]) for c in classes)
    for name, classes in ATTRIBUTES.items()
}
UNSEEN = ("eye_colour", "clothes_colour", "hat_colour")
"""The attributes that the image tower of the small CLIP was not trained on, so that it does not see them."""


def sample_prompts(rng: np.random.Generator) -> dict[str, tuple[str, ...]]:
    """By attribute, one prompt for each class in a random wording; classes in the order of `ATTRIBUTES`."""
    prompts = {}
    for name, classes in ATTRIBUTES.items():
        frames = _IS if name == "expression" else _WITH
        frame = frames[int(rng.integers(len(frames)))]
        phrases = [WORDINGS[name][c] for c in classes]
        prompts[name] = tuple(frame.format(options[int(rng.integers(len(options)))]) for options in phrases)
    return prompts
