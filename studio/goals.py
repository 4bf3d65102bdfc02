"""What a person may ask for, in words: one line a goal, and prompts to start from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from studio.settings import LossName

GOALS: Mapping[LossName, str] = MappingProxyType(
    {
        "clip_text": "Words: match a sentence",
        "clip_directional": "Direction: from one text to another",
        "clip_image": "Picture: look like another picture",
        "identity": "Identity: become another person",
        "morph": "Morph: between two people",
    }
)

PROMPTS: tuple[str, ...] = (
    "a face with red hair",
    "a face with sunglasses",
    "a face with a beard",
    "a face with a hat",
)

SECOND_LABEL: Mapping[LossName, str] = MappingProxyType(
    {
        "clip_image": "Picture to move towards",
        "identity": "Face to become",
        "morph": "Second face of the morph",
    }
)
