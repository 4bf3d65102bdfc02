"""`CodePerson`: the person in a code of the image, by a linear map of the code."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from losses.code_keep import LinearHead
from losses.contract import Embed, check_image, cosine_distance, frozen, unit


class CodePerson:
    """relu(d(x) - level),  d(x) = 1 - cos(n(x), t),  n(x) = W E(x) + b,  t = sum_k n(reference_k) / |n(reference_k)|.

    With two references t is half-way between two people: of all directions the one whose larger distance to both is
    smallest.

    A second measure beside a face network, of another kind: an image that satisfies one need not satisfy the other.

    Args:
        encode: image (b, 3, h, w) in [-1, 1] -> code (b, d); a torch module is frozen.
        head: linear map of the code onto numbers of the person, of mean 0 over people.
        reference: code of the person, (1, d) for all images, or (b, d); or such a code of each of several people.
        level: distance that satisfies, in [0, 2].
    """

    name = "person in the code"

    def __init__(
        self, encode: Embed, head: LinearHead, reference: Tensor | Sequence[Tensor], level: float = 0.1
    ) -> None:
        self.embed, self.level = frozen(encode), level
        self.weight, self.bias = head.weight.detach(), head.bias.detach()
        people = [reference] if isinstance(reference, Tensor) else reference
        self.target = unit(torch.stack([unit(self._numbers(one)) for one in people]).sum(dim=0)).detach()

    def _numbers(self, code: Tensor) -> Tensor:
        return F.linear(code, self.weight.to(code), self.bias.to(code))

    def distance(self, code: Tensor) -> Tensor:
        """Code (b, d) -> (b,) in [0, 2]."""
        return cosine_distance(unit(self._numbers(code)), self.target.to(code))

    def of(self, code: Tensor) -> Tensor:
        """Code (b, d) -> (b,), at least 0."""
        return F.relu(self.distance(code) - self.level)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,), at least 0."""
        return self.of(self.embed(check_image(image)))
