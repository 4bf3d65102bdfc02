"""What a gradient takes: seconds, and the most tensor memory it holds at once above what was there before.

On a GPU the allocator keeps the count. On a CPU it is summed over every allocation and release that torch's profiler
sees, because the resident memory of the process never shrinks and would charge one method for another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

import torch
from torch import Tensor

from adjointdeis import Denoiser, GradientMethod, LossAndGradients, Sampler
from adjointdeis.shapes import Scheduled

# the profiler's own engine would write lines of its own to the terminal
os.environ.setdefault("KINETO_LOG_LEVEL", "99")

Result = TypeVar("Result")


@dataclass
class Metered:
    """A gradient method that remembers what it took: memory at its first gradient, seconds at all later ones."""

    method: GradientMethod
    device: torch.device
    memory: int | None = None
    seconds: list[float] = field(default_factory=list)

    def value_and_grad(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: Tensor,
        z: Tensor | Scheduled | None,
        loss_fn: Callable[[Tensor], Tensor],
        noises: Tensor | Sequence[Tensor] | None = None,
        wrt: Sequence[str] = ("x_T", "z"),
    ) -> LossAndGradients:
        """See GradientMethod."""

        def work() -> LossAndGradients:
            return self.method.value_and_grad(model, sampler, x_T, z, loss_fn, noises, wrt)

        if self.memory is None:
            found, self.memory = most_memory(work, self.device)
            return found
        began = perf_counter()
        found = work()
        self.seconds.append(perf_counter() - began)
        return found


def get_ready() -> None:
    """To be called once in the program's first thread: elsewhere the profiler would complain at its first use."""
    most_memory(lambda: None, torch.device("cpu"))


def most_memory(work: Callable[[], Result], device: torch.device) -> tuple[Result, int]:
    """What `work` returns, and the most bytes it held at once."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        found = work()
        return found, torch.cuda.max_memory_allocated(device) - before
    # not torch.profiler.profile: that one imports the whole compiler, which takes seconds
    with torch.autograd.profiler.profile(profile_memory=True) as seen:
        found = work()
    events = [e for e in seen.kineto_results.events() if e.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return found, most
