"""`Watched`: a network that counts its calls and can be stopped between any two of them."""

from __future__ import annotations

from torch import Tensor

from adjointdeis import Denoiser
from studio.stops import Flag


class Cancelled(Exception):
    """Raised by the network call after Stop: it unwinds sampling, gradient and optimiser at once."""


class Watched:
    """`network(t, x, z)`, refused after Stop.

    One network call is the longest a person waits after pressing Stop, whatever the solver around it is doing.
    """

    def __init__(self, network: Denoiser, stop: Flag) -> None:
        self._network = network
        self._stop = stop
        self.calls = 0

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """net(t (b,), x_t (b, c, h, w), z).

        Raises:
            Cancelled: the stop flag is set.
        """
        if self._stop.is_set():
            raise Cancelled
        self.calls += 1
        return self._network(t, x, z)
