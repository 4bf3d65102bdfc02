"""What networks and masks that no loss uses find in the result of an edit.

    confirmed        the attribute reader sees what was asked
    first_confirmed  update at which it first does
    others_changed   attributes that it sees changed and that were not asked for
    same_person      both held-out embedders accept the result as the start's person, at FMR 1 %
    background       mean absolute difference, in 8-bit levels, where renders of the start and of the scene asked for
                     both show the background
    strangeness      out-of-distribution score (`studio.models.domain`; renders: median 0.96, largest 1.39). The goal
                     "edit" lowers it, so for that goal it is no judgement by a network outside the loss.

The attribute reader has its own weights, but was trained on the same pictures as the networks in the loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from clay.people.circumstances import Circumstances
from clay.people.traits import Person
from clay.rendering.render import render_all
from clay.world import ClayWorld
from losses import Identity
from studio.images.load import to_tensor
from studio.models.domain import domain_of
from studio.models.interface import Model
from studio.runs.events import Outcome

JUDGES = ("judge", "jury")
_PERSONAL = ("hair_colour", "facial_hair")


@dataclass(frozen=True)
class Edit:
    """Something a prompt can ask for, and what the attribute reader then has to see."""

    prompt: str
    attribute: str
    wanted: str

    def is_new_for(self, person: Person, seen: Circumstances) -> bool:
        """Whether the face lacks it, and shows the part it is about."""
        if self.attribute == "hair_colour":
            return person.hair_style not in ("bald", "buzzed") and not seen.hat and person.hair_colour != self.wanted
        if self.attribute == "facial_hair":
            return person.facial_hair == "none"
        if self.attribute == "hat":
            return not seen.hat
        return bool(getattr(seen, self.attribute) != self.wanted)

    def applied(self, person: Person, seen: Circumstances) -> tuple[Person, Circumstances]:
        """The scene that the prompt asks for."""
        wanted: Any
        if self.attribute in _PERSONAL:
            wanted = {self.attribute: self.wanted}
            return replace(person, **wanted), seen
        wanted = self.wanted == "hat" if self.attribute == "hat" else self.wanted
        return person, replace(seen, **{self.attribute: wanted})


def background_of(edit: Edit, person: Person, seen: Circumstances) -> np.ndarray:
    """Pixels that show the background in the start and in the scene asked for, (64, 64) bool.

    They are those that change with its colour. Light from the background also changes the head, but less.
    """
    scenes = [(person, seen), edit.applied(person, seen)]
    other = "orange" if seen.background == "blue" else "blue"
    changed = [(p, replace(s, background=other)) for p, s in scenes]
    pictures = render_all([*scenes, *changed]).astype(int)
    change = np.abs(pictures[:2] - pictures[2:]).max(axis=3)
    mask: np.ndarray = (change > 0.8 * change.max()).all(axis=0)
    return mask


def judged(
    model: Model, world: ClayWorld, outcome: Outcome, edit: Edit, scene: tuple[Person, Circumstances]
) -> dict[str, Any]:
    """One row of figures; see the module."""
    before, after = (world.attributes.read(to_tensor(image)) for image in (outcome.before, outcome.after))
    seen = [world.attributes.read(to_tensor(image))[edit.attribute][0] == edit.wanted for image in outcome.frames]
    mask = background_of(edit, *scene)
    pixels = [np.asarray(image, dtype=float)[mask] for image in (outcome.before, outcome.after)]
    domain = domain_of(model)
    return {
        "read_before": before[edit.attribute][0],
        "read_after": after[edit.attribute][0],
        "confirmed": after[edit.attribute][0] == edit.wanted,
        "first_confirmed": seen.index(True) if True in seen else None,
        "best_step": outcome.best.step,
        "updates": len(outcome.curve) - 1,
        "others_changed": [name for name in after if name != edit.attribute and after[name] != before[name]],
        "same_person": {name: _same(world, name, outcome.before, outcome.after) for name in JUDGES},
        "background": float(np.abs(pixels[0] - pixels[1]).mean()) if mask.any() else None,
        "strangeness": None if domain is None else domain.check(outcome.after).score,
    }


def strip(outcome: Outcome, first_confirmed: int | None) -> Image.Image:
    """The start, the first confirmed picture (the start again if there is none) and the result, side by side."""
    shown = (outcome.before, outcome.frames[first_confirmed] if first_confirmed else outcome.before, outcome.after)
    width, height = outcome.before.size
    sheet = Image.new("RGB", (width * len(shown), height))
    for column, image in enumerate(shown):
        sheet.paste(image, (width * column, 0))
    return sheet


def _same(world: ClayWorld, name: str, before: Image.Image, after: Image.Image) -> bool:
    network = world.embedders[name]
    return bool(1 - Identity(network, to_tensor(before))(to_tensor(after)) >= network.thresholds["fmr_1_percent"])
