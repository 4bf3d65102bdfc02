"""What a person may ask for, in words: one line a goal, and prompts to start from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from studio.core.settings import LossName

# a morph lies between two people, and has a tab of its own
GOALS: Mapping[LossName, str] = MappingProxyType(
    {
        "clip_text": "Text: match a prompt (CLIP)",
        "clip_directional": "Direction: from one text to another (CLIP)",
        "clip_image": "Picture: look like another picture (CLIP)",
        "identity": "Person: become another person (face network)",
        "mix": "Mix: weighted sum of goals",
    }
)

PROMPTS: tuple[str, ...] = (
    "a face with red hair",
    "a person with sunglasses",
    "a face with a beard",
    "a person with blue hair",
)

SECOND_LABEL: Mapping[LossName, str] = MappingProxyType(
    {
        "clip_image": "Target picture",
        "identity": "Target face",
        "mix": "Second picture",
        "morph": "Second face of the morph",
    }
)
