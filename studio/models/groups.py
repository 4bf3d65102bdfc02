"""Groups of texts, one text a class, between which a CLIP decides what an image shows.

The embedded model has its own (`clay.people.prompts.PROMPTS`). These are for models without a list of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

GENERAL_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "expression": ("a serious face", "a smiling face", "a laughing face", "a sad face", "a surprised face"),
        "glasses": ("a face without glasses", "a face with glasses", "a face with sunglasses"),
        "hair": (
            "a person with black hair",
            "a person with brown hair",
            "a person with blonde hair",
            "a person with red hair",
            "a person with grey hair",
            "a bald person",
        ),
        "hat": ("a person without a hat", "a person with a hat"),
        "scene": ("a portrait", "a room", "a street", "a landscape", "an animal", "an object"),
        "style": ("a photograph", "a black and white photograph", "a painting", "a drawing", "a 3D render"),
    }
)
PERSON_GROUPS = ("hair",)
