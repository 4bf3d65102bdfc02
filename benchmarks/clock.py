"""A clock that does not count the time of other processes on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, process_time

import torch


def clock(device: str | torch.device) -> Callable[[], float]:
    """A function that returns seconds from an arbitrary start.

    On a GPU: wall time. On a CPU: the process's CPU time divided by the number of torch threads.
    """
    if torch.device(device).type != "cpu":
        return perf_counter
    return lambda: process_time() / torch.get_num_threads()
