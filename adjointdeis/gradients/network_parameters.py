"""Theta: which of a network's parameters are differentiated, and where they are found.

Theta is the parameters that require a gradient. Freeze the others, `network.requires_grad_(False)`, and let the few to
train require one (low-rank adapters, a last layer, a token's embedding): nothing is computed or stored for a frozen
parameter.

They are found in the network's `named_parameters()`, also through wrappers that hold it as `model`. A plain function
has neither: `WithParameters` names its parameters.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser, wrapped
from adjointdeis.shapes import Conditioning


@dataclass(frozen=True)
class WithParameters:
    """A network with given parameters: those of a plain function, or some of a module's.

    Args:
        model: net(t, x, z).
        parameters: theta by name, tensors that `model` computes with and that require a gradient.
    """

    model: Denoiser
    parameters: Mapping[str, Tensor]

    def __call__(self, t: Tensor, x: Tensor, z: Conditioning, /) -> Any:
        """The network's output."""
        return self.model(t, x, z)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The given parameters, in their order."""
        yield from self.parameters.items()


def all_parameters(model: Denoiser) -> dict[str, Tensor]:
    """Every parameter by name, frozen ones too; none for a plain function."""
    for network in wrapped(model):
        # a wrapper may ask its network for parameters that it does not have
        with suppress(AttributeError):
            return dict(network.named_parameters())
    return {}


def trainable(model: Denoiser) -> dict[str, Tensor]:
    """theta: the parameters that require a gradient, by name.

    Raises:
        ValueError: there is none.
        NotImplementedError: raised by a wrapper's `check_theta`, because the gradients would be wrong.
    """
    found = {name: p for name, p in all_parameters(model).items() if p.requires_grad}
    if not found:
        raise ValueError(
            "wrt names theta, but the model has no parameter that requires a gradient; call "
            "requires_grad_(True) on those to train, or name a plain function's by WithParameters."
        )
    for network in wrapped(model):
        if check := getattr(network, "check_theta", None):
            check(found)
    return found


_SEEN: WeakSet[torch.nn.Module] = WeakSet()
"""Networks whose layers were looked through for train mode."""


def warn_of_train_mode(model: Denoiser) -> None:
    """Warn once of a network whose dropout or batch norm is in train mode: every call is then another function."""
    for network in wrapped(model):
        if not isinstance(network, torch.nn.Module) or network in _SEEN:
            continue
        _SEEN.add(network)
        for name, layer in network.named_modules():
            dropout = isinstance(layer, torch.nn.modules.dropout._DropoutNd) and layer.p > 0
            if layer.training and (dropout or isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)):
                warnings.warn(
                    f"The layer {name!r} ({type(layer).__name__}) is in train mode, so two passes over the same states "
                    "differ and the gradient belongs to neither; call network.eval() first.",
                    stacklevel=4,
                )
                break
