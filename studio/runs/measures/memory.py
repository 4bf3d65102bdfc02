"""The memory that a run needs beside its model, estimated before the run.

    extra = states + (activations of one network call) * (calls whose graph is kept)

Plain autograd keeps the graph of every call, the discrete adjoint that of as many calls as it is allowed to; the other
methods keep one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from studio.core.gradients import graphs_kept
from studio.core.settings import Settings
from studio.models.interface import Model
from studio.models.placement.placement import STATES


@dataclass(frozen=True)
class Need:
    """Bytes of one state (1, c, h, w), and of the activations that one network call keeps for its gradient."""

    state: int
    activations: int

    def extra(self, settings: Settings, steps: int, graphs: int = 0) -> int:
        """Bytes that a run of `steps` sampling steps needs beside the model.

        Beside the activations these are the states, the noises, the variables and the optimiser's two moments.
        """
        kept = max(graphs_kept(settings.gradient, steps, graphs), 1)
        return STATES * steps * self.state + kept * self.activations


def need(model: Model) -> Need:
    """Measured by one network call: the sum of what autograd stores, each storage once."""
    x = torch.zeros(1, *model.state_shape, device=model.device, requires_grad=True)
    stored: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        stored[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.no_grad():
        z = model.encode(torch.zeros(1, 3, model.size, model.size, device=model.device))
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = model.network(torch.zeros(1, dtype=torch.long, device=model.device), x, z)
    del output
    return Need(x.numel() * x.element_size(), sum(stored.values()) - _weights(model, stored))


def _weights(model: Model, stored: dict[int, int]) -> int:
    """Bytes among the stored ones that are the network's own parameters, which a run does not add."""
    network: Any = model.network
    while not hasattr(network, "parameters") and hasattr(network, "model"):  # wrappers for guidance and precision
        network = network.model
    parameters = getattr(network, "parameters", None)
    if parameters is None:
        return 0
    own = {p.untyped_storage().data_ptr() for p in parameters()}
    return sum(size for pointer, size in stored.items() if pointer in own)
