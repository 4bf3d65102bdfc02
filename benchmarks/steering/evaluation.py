"""Evaluation of an edit, by networks and masks that no loss uses.

    confirmed        the attribute classifier predicts every target class, and none that hides one
    first_confirmed  the first update at which it does
    others_changed   other attributes whose predicted class changed, without those that the target implies, and without
                     those that one of both images cannot show, such as the hair style under a hat
    same_person      whether each held-out embedder accepts the result as the person of the start, at FMR 1 %
    outside          mean absolute difference outside of the area, for runs that were confined to one
    background       mean absolute difference in 8-bit levels, over the pixels that show the background both in a render
                     of the start and in one of the scene with the target class
    strangeness      out-of-distribution score (`studio.images.domain`; test renders: median 0.96, largest 1.39), under
                     the name that recorded rows use. The goals "edit" and "identity" lower it, so it is not held out.

The attribute classifier has its own weights, but was trained on the same images as the networks in the loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.steering.edits import Edit
from clay.people.attributes import ATTRIBUTES, hidden_by, implied_by
from clay.people.person import Person
from clay.people.view import View
from clay.rendering.render import render_all
from clay.world import HELD_OUT, ClayWorld
from losses import Identity
from studio.images.load import to_tensor
from studio.models.domain import domain_of
from studio.models.interface import Model
from studio.runs.events import Outcome

Row = dict[str, Any]


def background_of(edit: Edit, person: Person, view: View, size: int = 64) -> np.ndarray:
    """Pixels that show the background in the start and in the edited scene, (size, size) bool.

    They are those that change with its colour. Light from the background also changes the head, but less.
    """
    scenes = [(person, view), edit.applied(person, view)]
    other = "orange" if view.background == "blue" else "blue"
    changed = [(p, replace(s, background=other)) for p, s in scenes]
    images = render_all([*scenes, *changed], size=size).astype(int)
    change = np.abs(images[:2] - images[2:]).max(axis=3)
    mask: np.ndarray = (change > 0.8 * change.max()).all(axis=0)
    return mask


def evaluated(model: Model, world: ClayWorld, outcome: Outcome, edit: Edit, scene: tuple[Person, View]) -> Row:
    """The fields of a row for a run that edits `scene`, as listed above."""
    confirmed = [confirms(read_classes(world, image), edit) for image in outcome.frames]
    return {
        **compared(model, world, (outcome.before, outcome.after), edit, scene),
        "first_confirmed": confirmed.index(True) if True in confirmed else None,
        "best_step": outcome.best.step,
        "updates": len(outcome.curve) - 1,
        **({} if outcome.area is None else {"outside": outcome.area.mean}),
    }


def compared(
    model: Model, world: ClayWorld, images: tuple[Image.Image, Image.Image], edit: Edit, scene: tuple[Person, View]
) -> Row:
    """The fields that depend on the images before and after alone."""
    before, after = (read_classes(world, image) for image in images)
    targets = [(name, ATTRIBUTES[name].index(c)) for name, c in edit.targets.items()]
    uncounted = {*edit.targets, *(name for name, _ in implied_by(targets)), *hidden_in(before), *hidden_in(after)}
    mask = background_of(edit, *scene, images[0].width)
    pixels = [np.asarray(image, dtype=float)[mask] for image in images]
    return {
        "read_before": before[edit.attribute],
        "read_after": after[edit.attribute],
        "confirmed": confirms(after, edit),
        "others_changed": [name for name in after if name not in uncounted and after[name] != before[name]],
        "same_person": {name: same_person(world, name, *images) for name in HELD_OUT},
        "background": (
            float(np.abs(pixels[0] - pixels[1]).mean())
            if mask.any() and "background_colour" not in edit.targets
            else None
        ),
        "strangeness": score_of(model, images[1]),
    }


def read_classes(world: ClayWorld, image: Image.Image) -> dict[str, str]:
    """By attribute, the class that the attribute classifier predicts."""
    return {name: classes[0] for name, classes in world.reader.read(to_tensor(image)).items()}


def confirms(read: Mapping[str, str], edit: Edit) -> bool:
    """Whether an image of these classes shows the targets of an edit."""
    return all(read[name] == c and name not in hidden_in(read) for name, c in edit.targets.items())


def hidden_in(read: Mapping[str, str]) -> set[str]:
    """The attributes that an image of these classes cannot show."""
    return hidden_by([(name, ATTRIBUTES[name].index(seen)) for name, seen in read.items()])


def score_of(model: Model, image: Image.Image) -> float | None:
    """The out-of-distribution score of an image; None for a model without one."""
    domain = domain_of(model)
    return None if domain is None else domain.check(image).score


def view_changes(model: Model, world: ClayWorld, outcome: Outcome) -> Row:
    """Attributes of the picture, not of the person, that changed by the classifier; and the score of the result."""
    before, after = (read_classes(world, image) for image in (outcome.before, outcome.after))
    return {
        "others_changed": [name for name in ("glasses", "expression", "hat") if before[name] != after[name]],
        "strangeness": score_of(model, outcome.after),
        "updates": len(outcome.curve) - 1,
        "best_step": outcome.best.step,
    }


def strip(outcome: Outcome, first_confirmed: int | None) -> Image.Image:
    """The start, the first confirmed image (the start again if there is none) and the result, side by side."""
    shown = (outcome.before, outcome.frames[first_confirmed] if first_confirmed else outcome.before, outcome.after)
    width, height = outcome.before.size
    sheet = Image.new("RGB", (width * len(shown), height))
    for column, image in enumerate(shown):
        sheet.paste(image, (width * column, 0))
    return sheet


def same_person(world: ClayWorld, name: str, before: Image.Image, after: Image.Image) -> bool:
    """Whether a held-out embedder accepts two images as one person, at FMR 1 %."""
    network = world.held_out[name]
    return bool(1 - Identity(network, to_tensor(before))(to_tensor(after)) >= network.thresholds["fmr_1_percent"])
