"""`HeldOutPanel`: the similarities of a morph to both people, by every embedder that has thresholds.

A morph attacks an embedder successfully if the embedder accepts it as both people (MMPMR; 2405.15020, eq. 5.2). The
loss uses the model's `identity` embedder only. The held-out embedders have other architectures and seeds, and no loss
uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from studio.models.interface import Model
from studio.runs.goals.face_losses import both

STRICT, LOOSE = "fmr_0.1_percent", "fmr_1_percent"
Answer = Literal["accepted", "borderline", "rejected"]


@dataclass(frozen=True)
class Verdict:
    """One embedder's similarities of an image to both people, in [-1, 1].

    Args:
        name: of the embedder.
        in_loss: whether the loss uses this embedder.
        first, second: cosine to each person.
        strict, loose: the similarities above which two pictures count as one person, at a false match rate of 0.1 %
            and of 1 %.
    """

    name: str
    in_loss: bool
    first: float
    second: float
    strict: float
    loose: float

    def answer(self, similarity: float) -> Answer:
        """The decision of a border gate with this embedder."""
        if similarity >= self.strict:
            return "accepted"
        return "borderline" if similarity >= self.loose else "rejected"

    @property
    def fooled(self) -> bool:
        """Whether the image is accepted as both people, at the strict threshold."""
        return min(self.first, self.second) >= self.strict


class HeldOutPanel:
    """All embedders of a model that have thresholds, with the embeddings of both people.

    Args:
        model: its `identity`, and its `held_out`.
        first, second: the two people (1, 3, h, w) in [-1, 1].

    Raises:
        UserError: a `FaceNetwork` finds no face in one of the pictures.
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
        """One verdict an embedder on the first image of (b, 3, h, w)."""
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
