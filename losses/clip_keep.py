"""`ClipKeep`: a CLIP's zero-shot reading of some attributes stays what it was at the start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from losses.choice import check_groups, divergence
from losses.clip import ClipEncoder, Tokenizer
from losses.contract import check_image


class ClipKeep:
    """sum_k KL(p_k(start) || p_k(x)),  p_k(x) = softmax_j(s E_image(x).E_text(prompt_kj)),  s = exp(logit_scale).

    It needs no labels and no other network: where the CLIP is unsure at the start, it may stay unsure.

    Args:
        clip, tokenizer: the open_clip model and its tokenizer.
        groups: prompts by attribute, one a class, at least one attribute.
        start: (1, 3, h, w) for all images, or (b, 3, h, w), in [-1, 1].

    Raises:
        ValueError: there is no group, or a prompt is empty.
    """

    name = "kept"

    def __init__(self, clip: Any, tokenizer: Tokenizer, groups: Mapping[str, Sequence[str]], start: Tensor) -> None:
        check_groups(groups)
        self.encoder = ClipEncoder(clip, tokenizer)
        self.embed = self.encoder.image
        self.scale = float(clip.logit_scale.detach().exp())
        self.texts = self.encoder.groups(groups)
        with torch.no_grad():
            self.start = self._log_p(self.embed(check_image(start)))

    def _log_p(self, embedding: Tensor) -> dict[str, Tensor]:
        return {
            name: torch.log_softmax(self.scale * embedding @ texts.to(embedding).T, dim=1)
            for name, texts in self.texts.items()
        }

    def of(self, embedding: Tensor) -> Tensor:
        """Embedding (b, d) of length 1 -> (b,), at least 0."""
        return divergence(self.start, self._log_p(embedding))

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,), at least 0."""
        return self.of(self.embed(image))
