"""`Process`: this process among those that `accelerate launch` started, or alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch


@dataclass(frozen=True)
class Process:
    """One of `count` processes, numbered from 0.

    Args:
        index: its number.
        count: how many there are.
        local: its number on this machine, which is that of its GPU.
        state: of accelerate; None for a single process.
    """

    index: int = 0
    count: int = 1
    local: int = 0
    state: Any = None

    @classmethod
    def current(cls) -> Process:
        """From the variables that `accelerate launch` sets."""
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        from accelerate import PartialState  # the extra `many`

        # gloo: processes only wait for each other, no tensor is sent; one may take much longer than another
        state = PartialState(cpu=True, timeout=timedelta(days=7))
        return cls(state.process_index, state.num_processes, state.local_process_index, state)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.state is not None:
            self.state.wait_for_everyone()

    def end(self) -> None:
        """Leave the group of processes."""
        if self.state is not None:
            self.state.destroy_process_group()

    def device(self, name: str | None) -> str | None:
        """The device of this process: with several GPUs each has its own."""
        several = self.count > 1 and torch.cuda.is_available() and name in (None, "cuda")
        return f"cuda:{self.local}" if several else name
