"""A network that counts its calls, and can be stopped before each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.shapes import Conditioning


class CountedModel:
    """net(t, x, z), counted in `calls`.

    Stopping takes one network call at the most, in every sampler and gradient method.

    Args:
        model: the network.
        before: called before every call of the network. An exception it raises ends sampling, gradient and loop, and
            that call is not counted.
    """

    def __init__(self, model: Denoiser, before: Callable[[], object] | None = None) -> None:
        self.model, self.before, self.calls = model, before, 0

    def __call__(self, t: Tensor, x: Tensor, z: Conditioning) -> Any:
        """net(t (b,), x_t (b, *x), z)."""
        if self.before is not None:
            self.before()
        self.calls += 1
        return self.model(t, x, z)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The network's own, so that theta can be differentiated through the wrapper."""
        network: Any = self.model
        yield from network.named_parameters()
