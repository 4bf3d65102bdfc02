"""A clock that other programs on the same machine do not push forward."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, process_time

import torch


def clock(device: str | torch.device) -> Callable[[], float]:
    """Seconds from an arbitrary start: the wall's for a GPU, which a program has to itself or waits for; on a CPU those
    in which this process computed, a thread's share of them.
    """
    if torch.device(device).type != "cpu":
        return perf_counter
    return lambda: process_time() / torch.get_num_threads()
