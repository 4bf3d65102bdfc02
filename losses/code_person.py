"""`CodePerson`: the person in a code of the image, by a linear map of the code."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from losses.code_keep import LinearHead
from losses.contract import Embed, check_image, cosine_distance, frozen, unit


class CodePerson:
    """relu(d(x) - level),  d(x) = 1 - cos(W E(x) + b, W E(reference) + b).

    A second measure beside a face network, of another kind: an image that satisfies one need not satisfy the other.

    Args:
        encode: image (b, 3, h, w) in [-1, 1] -> code (b, d); a torch module is frozen.
        head: linear map of the code onto numbers of the person, of mean 0 over people.
        reference: code of the person, (1, d) for all images, or (b, d).
        level: distance that satisfies, in [0, 2].
    """

    name = "person in the code"

    def __init__(self, encode: Embed, head: LinearHead, reference: Tensor, level: float = 0.1) -> None:
        self.embed, self.level = frozen(encode), level
        self.weight, self.bias = head.weight.detach(), head.bias.detach()
        self.target = unit(self._numbers(reference)).detach()

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
