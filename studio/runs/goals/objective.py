"""`Objective`: the loss a request asks for, and the similarities that tell a person how far it got.

    total = sum_k weight_k loss_k(x) + closeness d(x, start)

One goal is a sum with one term; a mix has several (`studio.core.goals`). The closeness term is part of the loss but not
of the similarity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from adjointdeis.guide.step_options import Projection
from losses import ClipEncoder, Closeness, FeatureCloseness, Loss, StructureCloseness, WeightedSum
from losses.shared import OnEmbedding
from studio.core.goals import BACKGROUND
from studio.core.settings import Settings
from studio.models.interface import Model
from studio.runs.code_projection import Pull, code_projection, pull_to_likely
from studio.runs.redraw import Redraw

if TYPE_CHECKING:
    from studio.runs.area.area import Area


@dataclass(frozen=True)
class Objective:
    """What is minimised, and what is reported.

    Args:
        loss: image (b, 3, h, w) -> (b,).
        similarities: name as a person reads it -> the loss whose 1 - value it is.
        on_z: weights and losses of z itself, which z satisfies after every update (`studio.runs.code_projection`).
        pull: towards likely codes, likewise; None if the model has none.
        redraw: where noise is drawn again and the closeness does not count; None for nowhere.
        area: the only part of the picture that may change; None for the whole.
        attributes: of the model, those that the prompt of an edit names; none if it also names something else.
    """

    loss: WeightedSum
    similarities: Mapping[str, Loss]
    on_z: Sequence[tuple[float, OnEmbedding]] = ()
    pull: Pull | None = None
    redraw: Redraw | None = None
    area: Area | None = None
    attributes: tuple[str, ...] = ()

    def of_code(self, model: Model, wrt: Sequence[str]) -> Projection | None:
        """The projection of z after every update; None where z stays, or has no losses of its own."""
        return code_projection(self.on_z, model.code_root, self.pull) if "z" in wrt else None


def objective(
    settings: Settings, model: Model, start: Tensor, second: Tensor | None, redraw: Redraw | None = None
) -> Objective:
    """The objective of a request; `start` and `second` are (1, 3, size, size) in [-1, 1].

    Raises:
        UserError: the two texts of a direction are the same to the model, a loss on faces finds none, or there is no
            goal of this name.
        ValueError: a loss that needs a second picture got none.
    """
    if second is None and settings.needs_second_picture:
        raise ValueError(f"The loss {settings.loss!r} needs a second picture.")
    weighted: list[tuple[float, Loss]] = []
    on_z: list[tuple[float, OnEmbedding]] = []
    similarities: dict[str, Loss] = {}
    attributes: tuple[str, ...] = ()
    for weight, term in settings.goal.terms(settings, model, start, start if second is None else second):
        weighted.append((weight, term.loss))
        on_z += [(weight * share, loss) for share, loss in term.on_z]
        similarities |= term.similarities
        attributes += term.attributes
    if settings.closeness > 0 and not (settings.goal.keeps and BACKGROUND in settings.free):
        weighted.append((settings.closeness, near(settings, model, start, redraw)))
    pull = _pull(model, start) if on_z else None
    return Objective(WeightedSum(weighted), similarities, on_z, pull, redraw, attributes=attributes)


@torch.no_grad()
def _pull(model: Model, start: Tensor) -> Pull | None:
    """Towards likely codes; None for a model without a denoiser of codes."""
    if model.code_denoiser is None or (z := model.encode(start)) is None:
        return None
    return pull_to_likely(model.code_denoiser, z)


def near(settings: Settings, model: Model, start: Tensor, redraw: Redraw | None = None) -> Loss:
    """How far from the start, in what the settings name."""
    if settings.closeness_kind == "structure":
        return StructureCloseness(start)
    if settings.closeness_kind == "features":
        return FeatureCloseness(ClipEncoder(model.clip, model.tokenizer).image, start)
    return Closeness(start, None if redraw is None else lambda: redraw.unchanged)
