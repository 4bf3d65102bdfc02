"""`MonitoredNetwork`: a network that counts its calls, can be stopped between two of them, and keeps its last pass."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from adjointdeis import Denoiser
from studio.core.cancellation import CancelToken
from studio.models.memory import memory_in_use


class Cancelled(Exception):
    """Raised by the network call after Stop: it unwinds sampling, gradient and optimiser at once."""


class Call(NamedTuple):
    """A state x_i (1, c, h, w) as the network saw it, and its output."""

    state: Tensor
    output: Tensor


class MonitoredNetwork:
    """`network(t, x, z)`, refused after Stop.

    One network call is the longest a person waits after pressing Stop, whatever the solver around it is doing.

    `calls` counts, `memory` is what the device holds after the latest call, and `passed` the calls since `follow`, as
    many as it asked for: sampling comes before its gradient, so the first N calls of an update are the path from the
    noise to the image, for nothing.
    """

    def __init__(self, network: Denoiser, stop: CancelToken, device: torch.device | None = None) -> None:
        self._network, self._stop, self._device = network, stop, device or torch.device("cpu")
        self._wanted = 0
        self.calls = 0
        self.memory = self.most_memory = memory_in_use(self._device)
        self.passed: list[Call] = []

    def follow(self, calls: int) -> None:
        """Forget what has passed, and keep the next `calls`."""
        self.passed, self._wanted = [], calls

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """net(t (b,), x_t (b, c, h, w), z).

        Raises:
            Cancelled: the stop flag is set.
        """
        if self._stop.is_set():
            raise Cancelled
        self.calls += 1
        output = self._network(t, x, z)
        if len(self.passed) < self._wanted:
            self.passed.append(Call(x.detach(), output.detach()))
        # after the call, when what its gradient needs is still there
        self.memory = memory_in_use(self._device)
        self.most_memory = max(self.most_memory, self.memory)
        return output
