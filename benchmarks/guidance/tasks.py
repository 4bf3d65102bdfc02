"""The tasks: a face, a loss, and the attributes that the edit should change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from benchmarks.steering.edits import edit_for, faces
from clay.world import ClayWorld
from losses import Loss
from studio.core.settings import Settings
from studio.images.load import to_tensor
from studio.models.interface import Model
from studio.runs.goals.objective import objective

Goal = Literal["text", "picture"]
GOALS: tuple[Goal, ...] = get_args(Goal)


@dataclass(frozen=True)
class Task:
    """One edit.

    Args:
        number: number of the face.
        goal: whether the target is a text or another person's image.
        prompt: the text; empty for an image.
        image: the face, (1, 3, 64, 64) in [-1, 1].
        loss: the studio's loss.
        targets: by attribute, the class that the attribute classifier should predict.
    """

    number: int
    goal: Goal
    prompt: str
    image: Tensor
    loss: Loss
    targets: Mapping[str, str]


def tasks(model: Model, world: ClayWorld, numbers: Sequence[int], goal: Goal = "text") -> Iterator[Task]:
    """One task for each face in `numbers`.

    For "text", the prompts in turn, each for a face that does not show what it describes. For "picture", the image of
    the next person; faces with the same attributes are skipped.
    """
    people = faces(max(numbers, default=-1) + 2)
    for i in numbers:
        person, view, first = people[i]
        image = to_tensor(first).to(model.device)
        if goal == "text":
            edit = edit_for(i, person, view)
            loss = objective(Settings(loss="clip_text", prompt=edit.prompt), model, image, None).loss
            yield Task(i, goal, edit.prompt, image, loss, {edit.attribute: edit.target})
            continue
        second = to_tensor(people[i + 1][2]).to(model.device)
        start, reference = (attributes_of(world, x) for x in (image, second))
        targets = {name: value for name, value in reference.items() if value != start[name]}
        if targets:
            yield Task(i, goal, "", image, objective(Settings(loss="clip_image"), model, image, second).loss, targets)


def attributes_of(world: ClayWorld, image: Tensor) -> dict[str, str]:
    """The predicted class of each attribute of one image (1, 3, h, w)."""
    return {name: values[0] for name, values in world.reader.read(image).items()}
