"""How much memory a pass may take, and how it is divided between stored states and stored graphs.

A stored state saves computing steps again. A stored graph saves computing its step again, and is much larger.
Sizes are measured on the given network; the division is the one with the fewest network calls.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from adjointdeis.gradients.checkpointing import forward_steps

FREE_SHARE = 0.5
"""The share of the free memory that is used where no budget is given."""


class Allocation(NamedTuple):
    """The most checkpoints (all states if None), and how many last steps store their graph."""

    checkpoints: int | None
    graphs: int


def allocate(
    budget: int, steps: int, state: int, graph: int, history: int = 1, max_graphs: int | None = None
) -> Allocation:
    """The allocation with the fewest network calls; of several, the one with the fewest graphs.

    Args:
        budget: bytes for states and graphs together.
        steps: N.
        state: bytes of one state.
        graph: bytes of one step's graph.
        history: tensors of a state's size per checkpoint: the state and its outputs' history, where not all states
            are stored.
        max_graphs: the most graphs; N if None.

    Raises:
        ValueError: the budget is below one state.
    """
    choices: list[tuple[int, Allocation]] = []
    for graphs in range(min(steps, steps if max_graphs is None else max_graphs) + 1):
        left, first = budget - graphs * graph, steps - graphs
        if left >= (first + 1 if first else 0) * state:
            choices.append((first, Allocation(None, graphs)))  # all stored: no step resumes from its history
        elif left >= state * history:
            checkpoints = left // (state * history)
            choices.append((forward_steps(first, checkpoints), Allocation(checkpoints, graphs)))
    if not choices:
        raise ValueError(f"memory_budget is {budget} bytes, but one state takes {state * history}.")
    return min(choices, key=lambda choice: choice[0])[1]


class GraphMemory:
    """Bytes that a recorded network call stores: unique storages, without those that existed before.

    On a GPU it is at least the growth of the allocator's count, because a network that checkpoints inside itself
    stores more than autograd reports. On a CPU such a network appears smaller than it is.
    """

    def __init__(self, shared: Iterable[Tensor], device: torch.device) -> None:
        self._sizes: dict[int, int] = {}
        self._shared = {_address(v) for v in shared}
        self._device, self._before = device, allocated(device)

    @property
    def bytes(self) -> int:
        """So far."""
        return max(sum(self._sizes.values()), allocated(self._device) - self._before)

    def count(self, v: Tensor) -> Tensor:
        """Count the tensor's storage; returns the tensor."""
        base = v._base if v._base is not None else v
        # the parameters of a plain function are not among `shared`, but torch marks most of them
        if not isinstance(base, torch.nn.Parameter) and _address(v) not in self._shared:
            self._sizes[_address(v)] = v.untyped_storage().nbytes()
        return v


@contextmanager
def measure_graph(shared: Iterable[Tensor], device: torch.device) -> Iterator[GraphMemory]:
    """Measure what autograd saves inside, apart from the storages of `shared` (parameters, z)."""
    found = GraphMemory(shared, device)
    with torch.autograd.graph.saved_tensors_hooks(found.count, lambda v: v):
        yield found


def _address(v: Tensor) -> int:
    return v.untyped_storage().data_ptr()


def allocated(device: torch.device) -> int:
    """Bytes that tensors take on a CUDA device; 0 on others, whose allocators do not count."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


def free_bytes(device: torch.device) -> int | None:
    """Memory that can still be allocated on a device; None where it cannot be read."""
    if device.type == "cuda":
        cached = torch.cuda.memory_reserved(device) - allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    if device.type == "mps":
        return max(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory(), 0)
    if device.type == "cpu":
        found = [free for free in (_free_in_machine(), _free_in_group()) if free is not None]
        return min(found, default=None)
    return None


def _free_in_machine() -> int | None:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    with suppress(AttributeError, ValueError, OSError):  # not on Windows; not under this name on macOS
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _free_in_group(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Memory below a container's limit; cached files count as free, since the kernel drops them first."""
    with suppress(OSError, ValueError):  # no limit: no file, or the word "max"
        limit, used = (int((folder / f"memory.{name}").read_text(encoding="ascii")) for name in ("max", "current"))
        stat = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
        return max(limit - used + int(stat.get("inactive_file", 0)), 0)
    return None


def to_device(x: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device, without waiting for the copy where that is safe; itself if it is there."""
    if x.device == device:
        return x
    if x.device.type == "cuda" and device.type == "cpu":
        # only a copy into pinned memory is not waited for; a later copy back is queued behind it
        return torch.empty_like(x, device=device, pin_memory=True).copy_(x, non_blocking=True)
    return x.to(device, non_blocking=device.type == "cuda")
