"""`Objective`: the loss a request asks for, and the similarities that tell a person how far it got.

    total = sum_k weight_k loss_k(x) + closeness d(x, start)

One goal is a sum with one term; a mix has several (`studio.core.goals`). The closeness term is part of the loss but not
of the similarity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from losses import ClipEncoder, Closeness, FeatureCloseness, Loss, StructureCloseness, WeightedSum
from studio.core.settings import Settings
from studio.models.interface import Model


@dataclass(frozen=True)
class Objective:
    """What is minimised, and what is reported.

    Args:
        loss: image (b, 3, h, w) -> (b,).
        similarities: name as a person reads it -> the loss whose 1 - value it is.
    """

    loss: WeightedSum
    similarities: Mapping[str, Loss]


def objective(settings: Settings, model: Model, start: Tensor, second: Tensor | None) -> Objective:
    """The objective of a request; `start` and `second` are (1, 3, size, size) in [-1, 1].

    Raises:
        UserError: the two texts of a direction are the same to the model, a loss on faces finds none, or there is no
            goal of this name.
        ValueError: a loss that needs a second picture got none.
    """
    if second is None and settings.needs_second_picture:
        raise ValueError(f"The loss {settings.loss!r} needs a second picture.")
    weighted: list[tuple[float, Loss]] = []
    similarities: dict[str, Loss] = {}
    for weight, term in settings.goal.terms(settings, model, start, start if second is None else second):
        weighted.append((weight, term.loss))
        similarities |= term.similarities
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
