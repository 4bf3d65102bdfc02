"""`MonitoredNetwork`: a network that counts its calls, stops after cancellation, and records the calls of a pass."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from adjointdeis import Denoiser
from adjointdeis.denoiser import tensor_of
from studio.core.cancellation import CancelToken
from studio.models.memory import memory_in_use


class Cancelled(Exception):
    """Raised by the first network call after cancellation; it ends sampling, gradient and optimiser."""


class Call(NamedTuple):
    """The state x_i (1, c, h, w) of a network call, and the output."""

    state: Tensor
    output: Tensor


class MonitoredNetwork:
    """`network(t, x, z)`, which raises after cancellation. A run therefore ends within one network call.

    `calls` is the number of calls; `memory` the bytes in use on the device after the latest one, `peak_memory` the
    largest of these. `recorded` are the first calls after `record`. Sampling comes before its gradient, so the first N
    calls of an update are the path from the noise to the image.
    """

    def __init__(self, network: Denoiser, stop: CancelToken, device: torch.device | None = None) -> None:
        self._network, self._stop, self._device = network, stop, device or torch.device("cpu")
        self._limit = 0
        self.calls = 0
        self.memory = self.peak_memory = memory_in_use(self._device)
        self.recorded: list[Call] = []

    def restart(self, stop: CancelToken) -> None:
        """Go on after a cancellation, until this token is set."""
        self._stop = stop

    def record(self, calls: int) -> None:
        """Start a new record of the next `calls` calls."""
        self.recorded, self._limit = [], calls

    def unrecorded(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """The same as a call, which is counted and not recorded."""
        limit, self._limit = self._limit, 0
        try:
            return self(t, x, z)
        finally:
            self._limit = limit

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """net(t (b,), x_t (b, c, h, w), z).

        Raises:
            Cancelled: the token is set.
        """
        if self._stop.is_set():
            raise Cancelled
        self.calls += 1
        output = tensor_of(self._network(t, x, z))
        if len(self.recorded) < self._limit:
            self.recorded.append(Call(x.detach(), output.detach()))
        # after the call, while the activations for its gradient are still allocated
        self.memory = memory_in_use(self._device)
        self.peak_memory = max(self.peak_memory, self.memory)
        return output
