"""Memory of a device: bytes in use, and their release."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from functools import cache

import psutil
import torch

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def memory_in_use(device: torch.device) -> int:
    """Bytes that this process has allocated on the device; on a CPU its resident memory."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return int(torch.mps.current_allocated_memory())
    return int(_process(os.getpid()).memory_info().rss)


def release_memory() -> None:
    """Collect reference cycles, which networks contain, and empty the allocators' caches."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def trim_heap() -> None:
    """Return freed memory from glibc's heaps to the system; nothing on other systems.

    glibc has one heap for each thread, and each run has its own thread. Without this call the resident memory grows
    with the number of runs.
    """
    if (malloc_trim := getattr(_LIBC, "malloc_trim", None)) is not None:
        malloc_trim(0)


@cache
def _process(pid: int) -> psutil.Process:
    """The process itself; the key makes a forked process read its own memory instead of its parent's."""
    return psutil.Process(pid)
