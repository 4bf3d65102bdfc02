"""`CodeKeep`: linear classifiers on a code of the image keep their distributions of the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from losses.choice import check_groups, divergence
from losses.contract import Embed, check_image, frozen


class LinearHead(NamedTuple):
    """logits = W code + b; weight (classes, d), bias (classes,)."""

    weight: Tensor
    bias: Tensor


class CodeKeep:
    """sum_k KL(p_k(start) || p_k(x)),  p_k(x) = softmax(W_k E(x) + b_k).

    Args:
        encode: image (b, 3, h, w) in [-1, 1] -> code (b, d); a torch module is frozen.
        heads: linear classifier by attribute, at least one.
        start: (1, 3, h, w) for all images, or (b, 3, h, w), in [-1, 1].

    Raises:
        ValueError: there is no head.
    """

    name = "kept in the code"

    def __init__(self, encode: Embed, heads: Mapping[str, LinearHead], start: Tensor) -> None:
        check_groups(heads)
        self.embed = frozen(encode)
        self.heads = {name: LinearHead(head.weight.detach(), head.bias.detach()) for name, head in heads.items()}
        with torch.no_grad():
            self.start = self._log_p(self.embed(check_image(start)))

    def _log_p(self, code: Tensor) -> dict[str, Tensor]:
        return {
            name: torch.log_softmax(torch.nn.functional.linear(code, w.to(code), b.to(code)), dim=1)
            for name, (w, b) in self.heads.items()
        }

    def of(self, code: Tensor) -> Tensor:
        """Code (b, d) -> (b,), at least 0."""
        return divergence(self.start, self._log_p(code))

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,), at least 0."""
        return self.of(self.embed(check_image(image)))
