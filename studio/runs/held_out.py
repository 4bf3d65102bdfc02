"""Whose face is this? Every embedder's opinion of a morph: two cosines, and the similarity it would ask for.

A morph attacks a judge that takes it for both people at once (MMPMR; 2405.15020, eq. 5.2). Only the first embedder,
that of the loss, is seen by the optimisation; the judges are of other kinds and seeds and never in a loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from studio.models.interface import Model
from studio.runs.face_losses import both

STRICT, LOOSE = "fmr_0.1_percent", "fmr_1_percent"
Answer = Literal["accepted", "borderline", "rejected"]


@dataclass(frozen=True)
class Verdict:
    """One embedder's similarities of an image to both people, in [-1, 1].

    Args:
        name: of the embedder.
        in_loss: whether the optimisation sees it.
        first, second: cosine to each person.
        strict, loose: the similarities above which it takes two pictures for one person, at a false match rate of
            0.1 % and of 1 %.
    """

    name: str
    in_loss: bool
    first: float
    second: float
    strict: float
    loose: float

    def answer(self, similarity: float) -> Answer:
        """What a border gate with this embedder would say."""
        if similarity >= self.strict:
            return "accepted"
        return "borderline" if similarity >= self.loose else "rejected"

    @property
    def fooled(self) -> bool:
        """Whether it takes the image for both people."""
        return min(self.first, self.second) >= self.strict


class HeldOutPanel:
    """All embedders of a model that have thresholds, with both people's embeddings at hand.

    Args:
        model: its `identity`, and its `held_out`.
        first, second: the two people (1, 3, h, w) in [-1, 1].

    Raises:
        UserError: a picture shows no face to networks that look for one.
    """

    def __init__(self, model: Model, first: Tensor, second: Tensor) -> None:
        embedders: Mapping[str, Any] = {"identity": model.identity, **model.held_out}
        self._members = [
            (name, embedder.thresholds, both(embedder, first, second))
            for name, embedder in embedders.items()
            if getattr(embedder, "thresholds", None)
        ]

    @torch.no_grad()
    def verdicts(self, image: Tensor) -> tuple[Verdict, ...]:
        """Opinions of the first image of (b, 3, h, w)."""
        return tuple(
            Verdict(
                name=name,
                in_loss=name == "identity",
                first=1 - float(to_first[0]),
                second=1 - float(to_second[0]),
                strict=thresholds[STRICT],
                loose=thresholds[LOOSE],
            )
            for name, thresholds, morph in self._members
            for to_first, to_second in [morph.distances(image)]
        )
