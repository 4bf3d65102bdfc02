"""`CodeChoice`: a linear classifier on a code of the image is to choose a class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from losses.choice import check_margin, class_index, excess_surprise
from losses.contract import Embed, check_image, frozen


class CodeChoice:
    """relu(-log softmax(W E(x) + b)[index] - margin).

    A second classifier beside a CLIP: an image that satisfies one classifier need not satisfy another of another kind.
    The code of a diffusion autoencoder holds attributes along straight lines (Preechakul et al. 2022, 2111.15640).

    Args:
        encode: image (b, 3, h, w) in [-1, 1] -> code (b, d); a torch module is frozen.
        weight: W, (classes, d).
        bias: b, (classes,).
        index: of the class that is the goal; one for all images, or one each.
        margin: surprise -log p in nats that counts as satisfied, >= 0.

    Raises:
        ValueError: fewer than two classes, an index or a margin out of range.
    """

    name = "goal in the code"

    def __init__(
        self, encode: Embed, weight: Tensor, bias: Tensor, index: int | Sequence[int], margin: float = 0.1
    ) -> None:
        self.index, self.margin = class_index(index, len(weight)), check_margin(margin)
        self.embed = frozen(encode)
        self.weight, self.bias = weight.detach(), bias.detach()

    def _log_p(self, code: Tensor) -> Tensor:
        logits = torch.nn.functional.linear(code, self.weight.to(code), self.bias.to(code))
        return torch.log_softmax(logits, dim=1)

    def probability(self, code: Tensor) -> Tensor:
        """Code (b, d) -> probability of the goal, (b,)."""
        return torch.exp(-excess_surprise(self._log_p(code), self.index, 0.0))

    def of(self, code: Tensor) -> Tensor:
        """Code (b, d) -> (b,), at least 0."""
        return excess_surprise(self._log_p(code), self.index, self.margin)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,), at least 0."""
        return self.of(self.embed(check_image(image)))
