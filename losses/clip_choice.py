"""`ClipChoice`: one of several texts is to describe the image best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losses.choice import check_margin, class_index, excess_surprise
from losses.clip import ClipEncoder, Tokenizer


class ClipChoice:
    """relu(-log softmax_j(s E_image(x).E_text(alternative_j))[index] - margin), s = exp(logit_scale) of the CLIP.

    Zero-shot classification (Radford et al. 2021, 2103.00020, section 3.1) as a goal: the loss and its gradient are 0
    once the CLIP gives the alternative a probability of exp(-margin) or more.

    Args:
        clip, tokenizer: the open_clip model and its tokenizer.
        alternatives: texts, at least two; one of them is the goal.
        index: of the goal among them; one for all images, or one each.
        margin: surprise -log p in nats that counts as satisfied, >= 0; 0.1 is a probability of 0.90.

    Raises:
        ValueError: fewer than two alternatives, an empty one, an index or a margin out of range.
    """

    name = "goal"

    def __init__(
        self,
        clip: Any,
        tokenizer: Tokenizer,
        alternatives: Sequence[str],
        index: int | Sequence[int],
        margin: float = 0.1,
    ) -> None:
        self.index, self.margin = class_index(index, len(alternatives)), check_margin(margin)
        self.encoder = ClipEncoder(clip, tokenizer)
        self.embed = self.encoder.image
        self.scale = float(clip.logit_scale.detach().exp())
        self.texts = self.encoder.text(alternatives)

    def _log_p(self, embedding: Tensor) -> Tensor:
        return torch.log_softmax(self.scale * embedding @ self.texts.to(embedding).T, dim=1)

    def probability(self, embedding: Tensor) -> Tensor:
        """Embedding (b, d) of length 1 -> probability of the goal, (b,)."""
        return torch.exp(-excess_surprise(self._log_p(embedding), self.index, 0.0))

    def of(self, embedding: Tensor) -> Tensor:
        """Embedding (b, d) of length 1 -> (b,), at least 0."""
        return excess_surprise(self._log_p(embedding), self.index, self.margin)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,), at least 0."""
        return self.of(self.embed(image))
