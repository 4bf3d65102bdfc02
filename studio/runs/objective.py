"""`Objective`: the loss a request asks for, and the similarities that tell a person how far it got.

    total = sum_k weight_k loss_k(x) + closeness d(x, start)

One goal is a sum with one term; a mix has several. Losses are 1 - cosine, so similarity = 1 - loss. The closeness
term is part of the loss but not of the similarity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from losses import (
    ClipDirectional,
    ClipEncoder,
    ClipImage,
    ClipText,
    Closeness,
    FeatureCloseness,
    Identity,
    Loss,
    StructureCloseness,
    WeightedSum,
)
from losses.faces import FaceNetwork
from studio.core.errors import UserError
from studio.core.settings import LossName, Settings
from studio.models.interface import Model
from studio.runs.face_losses import both, person


@dataclass(frozen=True)
class Objective:
    """What is minimised, and what is reported.

    Args:
        loss: image (b, 3, h, w) -> (b,).
        similarities: name as a person reads it -> the loss whose 1 - value it is.
    """

    loss: WeightedSum
    similarities: Mapping[str, Loss]


@dataclass(frozen=True)
class SamePerson:
    """1 - cos of the face and that of the start: a name of its own beside the face to become."""

    name = "same person"
    loss: Identity

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,)."""
        return self.loss(image)


def objective(settings: Settings, model: Model, start: Tensor, second: Tensor | None) -> Objective:
    """The objective of a request; `start` and `second` are (1, 3, size, size) in [-1, 1].

    Raises:
        UserError: the two texts of a direction are the same to the model, or a loss on faces finds none.
        ValueError: a loss that needs a second picture got none.
    """
    if second is None and settings.needs_second_picture:
        raise ValueError(f"The loss {settings.loss!r} needs a second picture.")
    held_out = _Judges(settings, model, start, start if second is None else second)
    weighted: list[tuple[float, Loss]] = []
    similarities: dict[str, Loss] = {}
    for weight, goal in _goals(settings):
        loss, seen = held_out.judge(goal)
        weighted.append((weight, loss))
        similarities |= seen
    if settings.closeness > 0:
        weighted.append((settings.closeness, near(settings, model, start)))
    return Objective(WeightedSum(weighted), similarities)


def near(settings: Settings, model: Model, start: Tensor) -> Loss:
    """How far from the start, in what the settings name."""
    if settings.closeness_kind == "structure":
        return StructureCloseness(start)
    if settings.closeness_kind == "features":
        return FeatureCloseness(ClipEncoder(model.clip, model.tokenizer).image, start)
    return Closeness(start)


def _goals(settings: Settings) -> Iterator[tuple[float, LossName | str]]:
    if settings.loss != "mix":
        yield 1.0, settings.loss
        return
    parts = {
        "clip_text": settings.mix_text,
        "clip_directional": settings.mix_direction,
        "clip_image": settings.mix_picture,
        "identity": settings.mix_person,
        "same_person": settings.mix_same,
    }
    yield from ((weight, goal) for goal, weight in parts.items() if weight > 0)


@dataclass(frozen=True)
class _Judges:
    """The single losses of a request, and what each of them is worth telling."""

    settings: Settings
    model: Model
    start: Tensor
    second: Tensor

    def judge(self, goal: LossName | str) -> tuple[Loss, Mapping[str, Loss]]:
        """The loss of one goal, and the similarities it is read by."""
        model, prompt = self.model, f"Match with “{self.settings.prompt}”"
        if goal == "clip_text":
            text = ClipText(model.clip, model.tokenizer, self.settings.prompt)
            return text, {prompt: text}
        if goal == "clip_directional":
            return self._direction(), {prompt: ClipText(model.clip, model.tokenizer, self.settings.prompt)}
        if goal == "clip_image":
            image = ClipImage(model.clip, model.tokenizer, self.second)
            return image, {"Match with the second picture": image}
        if goal == "same_person":
            first = person(model.identity, self.start, self.start)
            return SamePerson(first), {"Match with the first face": first}
        if goal == "identity":
            second = person(model.identity, self.second, self.start)
            return second, {"Match with the second face": second, **self._by_others()}
        morph = both(model.identity, self.start, self.second, self.start)
        return morph, {"Match with the first face": morph.a, "Match with the second face": morph.b}

    def _by_others(self) -> Mapping[str, Loss]:
        """What real face networks say that no loss sees; those of the clay world speak of morphs alone."""
        networks = {name: judge for name, judge in self.model.held_out.items() if isinstance(judge, FaceNetwork)}
        return {f"The same by “{name}”": person(judge, self.second, self.start) for name, judge in networks.items()}

    def _direction(self) -> ClipDirectional:
        clip, tokenizer, settings = self.model.clip, self.model.tokenizer, self.settings
        try:
            return ClipDirectional(clip, tokenizer, settings.source_text, settings.prompt, self.start)
        except ValueError as error:  # nothing but the texts can be wrong here, and the sentence is meant for people
            raise UserError(str(error)) from error
