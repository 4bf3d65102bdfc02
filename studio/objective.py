"""`Objective`: the loss a request asks for, and the similarities that tell a person how far it got.

Losses are 1 - cosine, so similarity = 1 - loss. The closeness term is part of the loss but not of the similarity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from losses import ClipDirectional, ClipImage, ClipText, Closeness, Identity, Loss, Morph, WeightedSum
from studio.messages import UserError
from studio.model import Model
from studio.settings import Settings


@dataclass(frozen=True)
class Objective:
    """What is minimised, and what is reported.

    Args:
        loss: image (b, 3, h, w) -> (b,).
        similarities: name as a person reads it -> the loss whose 1 - value it is.
    """

    loss: WeightedSum
    similarities: Mapping[str, Loss]

    @torch.no_grad()
    def similarity(self, image: Tensor) -> dict[str, float]:
        """Every similarity of the first image, in [-1, 1]."""
        return {name: 1 - float(loss(image)[0]) for name, loss in self.similarities.items()}

    @torch.no_grad()
    def terms(self, image: Tensor) -> dict[str, float]:
        """The terms of the first image's loss by name, before their weights."""
        return {name: float(value[0]) for name, value in self.loss.terms(image).items()}


def objective(settings: Settings, model: Model, start: Tensor, second: Tensor | None) -> Objective:
    """The objective of a request; `start` and `second` are (1, 3, size, size) in [-1, 1].

    Raises:
        UserError: the two texts of a direction are the same to the model.
        ValueError: a loss that needs a second picture got none.
    """
    main, similarities = _main_loss(settings, model, start, second)
    weighted: list[tuple[float, Loss]] = [(1.0, main)]
    if settings.closeness > 0:
        weighted.append((settings.closeness, Closeness(start)))
    return Objective(WeightedSum(weighted), similarities)


def _main_loss(
    settings: Settings, model: Model, start: Tensor, second: Tensor | None
) -> tuple[Loss, Mapping[str, Loss]]:
    if settings.loss == "clip_text":
        text = ClipText(model.clip, model.tokenizer, settings.prompt)
        return text, {f"Match with “{settings.prompt}”": text}
    if settings.loss == "clip_directional":
        prompt = ClipText(model.clip, model.tokenizer, settings.prompt)
        return _direction(settings, model, start), {f"Match with “{settings.prompt}”": prompt}
    if second is None:
        raise ValueError(f"The loss {settings.loss!r} needs a second picture.")
    if settings.loss == "clip_image":
        image = ClipImage(model.clip, model.tokenizer, second)
        return image, {"Match with the second picture": image}
    to_second = Identity(model.identity, second)
    if settings.loss == "identity":
        return to_second, {"Match with the second face": to_second}
    to_first = Identity(model.identity, start)
    both = {"Match with the first face": to_first, "Match with the second face": to_second}
    return Morph(model.identity, start, second), both


def _direction(settings: Settings, model: Model, start: Tensor) -> ClipDirectional:
    try:
        return ClipDirectional(model.clip, model.tokenizer, settings.source_text, settings.prompt, start)
    except ValueError as error:  # nothing but the texts can be wrong here, and the sentence is meant for people
        raise UserError(str(error)) from error
