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

# Phrases for each class of each attribute; `PROMPTS` uses the first.
WORDINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "hair_colour": {colour: (f"{colour} hair",) for colour in ATTRIBUTES["hair_colour"]},
    "hair_style": STYLE_WORDS,
    "facial_hair": FACIAL_HAIR_WORDS,
    "skin_tone": {tone: (f"{tone} skin",) for tone in ATTRIBUTES["skin_tone"]},
    "glasses": GLASSES_WORDS,
    "expression": EXPRESSION_WORDS,
    "hat": HAT_WORDS,
}

PROMPTS: dict[str, tuple[str, ...]] = {
    name: tuple((_IS if name == "expression" else _WITH)[0].format(WORDINGS[name][c][0]) for c in classes)
    for name, classes in ATTRIBUTES.items()
}


def sample_prompts(rng: np.random.Generator) -> dict[str, tuple[str, ...]]:
    """By attribute, one prompt for each class in a random wording; classes in the order of `ATTRIBUTES`."""
    prompts = {}
    for name, classes in ATTRIBUTES.items():
        frames = _IS if name == "expression" else _WITH
        frame = frames[int(rng.integers(len(frames)))]
        phrases = [WORDINGS[name][c] for c in classes]
        prompts[name] = tuple(frame.format(options[int(rng.integers(len(options)))]) for options in phrases)
    return prompts
