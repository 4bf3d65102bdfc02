"""A network that counts its calls, and may be stopped before any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from adjointdeis.denoiser import Denoiser


class CountedModel:
    """net(t, x, z), counted in `calls`.

    One network call is the longest anyone waits for a stop, whatever the solver around it is doing.

    Args:
        model: the network.
        before: called before every call of the network; what it raises unwinds sampling, gradient and loop at once,
            and that call is not counted.
    """

    def __init__(self, model: Denoiser, before: Callable[[], object] | None = None) -> None:
        self.model, self.before, self.calls = model, before, 0

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """net(t (b,), x_t (b, *x), z)."""
        if self.before is not None:
            self.before()
        self.calls += 1
        return self.model(t, x, z)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Those of the network, so that theta can be differentiated through the wrapper."""
        network: Any = self.model
        yield from network.named_parameters()
