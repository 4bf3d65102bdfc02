"""Theta: which of a network's parameters are differentiated, and where they are found.

Those that require a gradient. Freeze the others, `network.requires_grad_(False)`, and let the few to train require one
(low-rank adapters, a last layer, a token's embedding): nothing is computed or stored for a frozen parameter.

They are found in the network's `named_parameters()`, also through wrappers that hold it as `model`. A plain function
has neither: `WithParameters` names them for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from adjointdeis.denoiser import Denoiser


@dataclass(frozen=True)
class WithParameters:
    """A network whose parameters are named from outside: a plain function's, or a choice among a module's.

    Args:
        model: net(t, x, z).
        parameters: theta by name, tensors that `model` computes with and that require a gradient.
    """

    model: Denoiser
    parameters: Mapping[str, Tensor]

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None, /) -> Tensor:
        """The network's own output."""
        return self.model(t, x, z)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Those given, in their order."""
        yield from self.parameters.items()


def all_parameters(model: Denoiser) -> dict[str, Tensor]:
    """Every parameter by name, frozen ones too; none for a plain function."""
    for network in _wrapped(model):
        # a wrapper may pass on what its own network has not
        with suppress(AttributeError):
            return dict(network.named_parameters())
    return {}


def trainable(model: Denoiser) -> dict[str, Tensor]:
    """theta: the parameters that require a gradient, by name.

    Raises:
        ValueError: there is none.
        NotImplementedError: a wrapper refuses by its `check_theta`, because their gradients would be wrong.
    """
    found = {name: p for name, p in all_parameters(model).items() if p.requires_grad}
    if not found:
        raise ValueError(
            "wrt names theta, but the model has no parameter that requires a gradient; call "
            "requires_grad_(True) on those to train, or name a plain function's by WithParameters."
        )
    for network in _wrapped(model):
        if check := getattr(network, "check_theta", None):
            check(found)
    return found


def _wrapped(model: Denoiser) -> Iterator[Any]:
    """The network, and those that it holds as `model`, from the outside in."""
    network: Any = model
    while network is not None:
        yield network
        network = getattr(network, "model", None)
