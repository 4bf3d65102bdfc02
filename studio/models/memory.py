"""How much memory a run takes: counted before it, measured during it.

    extra = states + (activations of one network call) * (calls that are kept for the way back)

Plain autograd keeps every call, the discrete adjoint those of as many steps as it may, the others the states and one.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from studio.core.gradients import graphs_kept
from studio.core.settings import Settings
from studio.models.interface import Model

_STATM = Path("/proc/self/statm")
_C = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Need:
    """Bytes of one state (1, c, h, w), and of what one network call keeps for its gradient."""

    state: int
    activations: int

    def extra(self, settings: Settings, steps: int, graphs: int = 0) -> int:
        """Bytes that a run of `steps` sampling steps needs beside the model.

        States and noises once, and once more as variables with the optimiser's two moments.
        """
        kept = max(graphs_kept(settings.gradient, steps, graphs), 1)
        return 5 * steps * self.state + kept * self.activations


def need(model: Model) -> Need:
    """Measured by one network call, counting what autograd stores (each storage once)."""
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


def in_use(device: torch.device) -> int:
    """Bytes that this process holds on the device now; on a CPU all of its memory; 0 where nobody can say."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return int(torch.mps.current_allocated_memory())
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    try:
        import resource
    except ImportError:  # Windows
        return 0
    # the largest so far; in bytes on a Mac, in kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def give_back() -> None:
    """Free what nobody holds any more: networks refer to themselves in circles, and devices keep what was freed."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def trim() -> None:
    """Hand memory that was freed back to the system, where the C library would keep it.

    glibc keeps a heap for every thread, and a run has a thread: without this a day of runs looks like a leak.
    """
    if (malloc_trim := getattr(_C, "malloc_trim", None)) is not None:
        malloc_trim(0)


def _weights(model: Model, stored: dict[int, int]) -> int:
    """Bytes among the stored ones that are the network's own parameters, which are there anyway."""
    network: Any = model.network
    while not hasattr(network, "parameters") and hasattr(network, "model"):  # guidance and precision are wrappers
        network = network.model
    parameters = getattr(network, "parameters", None)
    if parameters is None:
        return 0
    own = {p.untyped_storage().data_ptr() for p in parameters()}
    return sum(size for pointer, size in stored.items() if pointer in own)
