"""The prompts, and the test faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from clay.people.dataset import TEST, scene
from clay.people.person import Person
from clay.people.view import View
from clay.rendering.render import render_all


@dataclass(frozen=True)
class Edit:
    """A prompt, and the class of an attribute that the attribute classifier should then predict; `also` has others."""

    prompt: str
    attribute: str
    target: str
    also: tuple[Edit, ...] = ()

    @property
    def targets(self) -> dict[str, str]:
        """By attribute, the class that is asked for."""
        return {self.attribute: self.target} | {name: c for other in self.also for name, c in other.targets.items()}

    def is_new_for(self, person: Person, view: View) -> bool:
        """Whether the face has other classes of the attributes, and shows them."""
        if not all(other.is_new_for(person, view) for other in self.also):
            return False
        if self.attribute == "hair_colour":
            return person.hair_style not in ("bald", "buzzed") and not view.hat and person.hair_colour != self.target
        if self.attribute == "facial_hair":
            return person.facial_hair == "none"
        if self.attribute == "hat":
            return not view.hat
        if self.attribute == "eye_colour":
            return view.glasses != "sunglasses" and person.eye_colour != self.target
        if self.attribute == "hat_colour":
            return not view.hat or view.hat_colour != self.target
        return bool(getattr(view, self._field) != self.target)

    def applied(self, person: Person, view: View) -> tuple[Person, View]:
        """The scene with the target class of each attribute."""
        for other in self.also:
            person, view = other.applied(person, view)
        change: dict[str, Any] = {self._field: self.target}
        if self.attribute in ("hair_colour", "facial_hair", "eye_colour"):
            return replace(person, **change), view
        if self.attribute == "hat":
            change = {"hat": self.target == "hat"}
        if self.attribute == "hat_colour":
            change["hat"] = True
        return person, replace(view, **change)

    @property
    def _field(self) -> str:
        """The name of the attribute in a `View` or `Person`."""
        return {"background_colour": "background", "clothes_colour": "clothes"}.get(self.attribute, self.attribute)


EDITS = (
    Edit("a face with red hair", "hair_colour", "red"),
    Edit("a person with glasses", "glasses", "glasses"),
    Edit("a face with blonde hair", "hair_colour", "blonde"),
    Edit("a face with a beard", "facial_hair", "beard"),
    Edit("a face with blue hair", "hair_colour", "blue"),
    Edit("a face with black hair", "hair_colour", "black"),
    Edit("a person with sunglasses", "glasses", "sunglasses"),
    Edit("a face with a hat", "hat", "hat"),
)
# Separate, because the embedded CLIP classifies expressions least accurately (see the model card).
EXPRESSION_EDITS = (
    Edit("a smiling face", "expression", "smiling"),
    Edit("a surprised face", "expression", "surprised"),
    Edit("a sad face", "expression", "sad"),
    Edit("a laughing face", "expression", "laughing"),
)
COLOUR_EDITS = (
    Edit("a face with blue eyes", "eye_colour", "blue"),
    Edit("a face on a green background", "background_colour", "green"),
    Edit("a person in an orange shirt", "clothes_colour", "orange"),
    Edit("a person with a yellow hat", "hat_colour", "yellow"),
    Edit("a face with brown eyes", "eye_colour", "brown"),
    Edit("a face on a purple background", "background_colour", "purple"),
    Edit("a person in a white shirt", "clothes_colour", "white"),
    Edit("a person with a pink hat", "hat_colour", "pink"),
)
_BLUE_EYES, _BEARD, _HAT = (
    Edit("", *one) for one in (("eye_colour", "blue"), ("facial_hair", "beard"), ("hat", "hat"))
)
_SMILING, _SUNGLASSES = Edit("", "expression", "smiling"), Edit("", "glasses", "sunglasses")
_GREEN_BACKGROUND = Edit("", "background_colour", "green")
SEVERAL_EDITS = (
    Edit("a smiling face with sunglasses", "expression", "smiling", (_SUNGLASSES,)),
    Edit("red hair and a beard", "hair_colour", "red", (_BEARD,)),
    Edit("a laughing person with blue eyes", "expression", "laughing", (_BLUE_EYES,)),
    Edit("a bearded man in a hat", "facial_hair", "beard", (_HAT,)),
    Edit("blonde hair, glasses", "hair_colour", "blonde", (Edit("", "glasses", "glasses"),)),
    Edit("black hair on a green background", "hair_colour", "black", (_GREEN_BACKGROUND,)),
    Edit("a happy person with pink hair and sunglasses", "hair_colour", "pink", (_SMILING, _SUNGLASSES)),
    Edit("a surprised face with a hat", "expression", "surprised", (_HAT,)),
)
KINDS: Mapping[str, Sequence[Edit]] = {
    "text": EDITS,
    "expression": EXPRESSION_EDITS,
    "colour": COLOUR_EDITS,
    "several": SEVERAL_EDITS,
}
"""The edits of each kind of runs whose goal is a prompt."""


def faces(count: int, first: int = 0, size: int = 64) -> list[tuple[Person, View, Image.Image]]:
    """The first view of `count` people from test person `first`, with its image; from 300 on they are in no split."""
    scenes = [scene(TEST.first + first + i, 0) for i in range(count)]
    return [(*s, Image.fromarray(p)) for s, p in zip(scenes, render_all(scenes, size=size), strict=True)]


def edit_for(number: int, person: Person, view: View, edits: Sequence[Edit] = EDITS) -> Edit:
    """The edit for face `number`: the edits in turn, without those that describe what the face shows."""
    turns = (edits[(number + k) % len(edits)] for k in range(len(edits)))
    return next(edit for edit in turns if edit.is_new_for(person, view))
