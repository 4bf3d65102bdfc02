"""`ZeroShot`: a CLIP that no loss uses, which chooses among texts for an image (2103.00020, section 3.1).

    p(x)[j] = softmax_j(s E_image(x).E_text(text_j)),   s = exp(logit_scale)

Real models, which have no classifier of their own, use it for the verdict after a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from losses import ClipEncoder
from losses.open_clip_models import Towers


class ZeroShot:
    """Probabilities of texts.

    Args:
        towers: the CLIP and its tokenizer.
        groups: texts by attribute, one a class.
    """

    def __init__(self, towers: Towers, groups: Mapping[str, Sequence[str]]) -> None:
        self._encoder = ClipEncoder(towers.clip, towers.tokenizer)
        self._scale = float(towers.clip.logit_scale.detach().exp())
        self._groups = self._encoder.groups(groups)

    @torch.no_grad()
    def attributes(self, image: Tensor) -> dict[str, Tensor]:
        """Image (b, 3, h, w) in [-1, 1] -> by attribute, (b, classes)."""
        embedding = self._encoder.image(image)
        return {name: self._between(embedding, texts) for name, texts in self._groups.items()}

    @torch.no_grad()
    def texts(self, image: Tensor, texts: Sequence[str]) -> Tensor:
        """Image (b, 3, h, w) in [-1, 1] -> (b, texts)."""
        return self._between(self._encoder.image(image), self._encoder.text(list(texts)))

    def _between(self, embedding: Tensor, texts: Tensor) -> Tensor:
        return torch.softmax(self._scale * embedding @ texts.to(embedding).T, dim=1)
