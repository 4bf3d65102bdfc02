"""The cost of a gradient: seconds, and the peak of the tensor memory that it allocates.

On a GPU the allocator measures the peak. On a CPU it is the running sum of the allocations and releases that torch's
profiler records: the resident memory of the process may stay high after one method, and would then count for the next.
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
from adjointdeis.shapes import Conditioning

# otherwise the profiler's engine logs to the terminal
os.environ.setdefault("KINETO_LOG_LEVEL", "99")

Result = TypeVar("Result")


@dataclass
class Metered:
    """A gradient method with measurements: peak memory of its first gradient, seconds of each later one."""

    method: GradientMethod
    device: torch.device
    memory: int | None = None
    seconds: list[float] = field(default_factory=list)

    def value_and_grad(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: Tensor,
        z: Conditioning,
        loss_fn: Callable[[Tensor], Tensor],
        noises: Tensor | Sequence[Tensor] | None = None,
        wrt: Sequence[str] = ("x_T", "z"),
    ) -> LossAndGradients:
        """See GradientMethod."""

        def work() -> LossAndGradients:
            return self.method.value_and_grad(model, sampler, x_T, z, loss_fn, noises, wrt)

        if self.memory is None:
            found, self.memory = peak_memory(work, self.device)
            return found
        began = perf_counter()
        found = work()
        self.seconds.append(perf_counter() - began)
        return found


def warm_up_profiler() -> None:
    """Called once in the program's main thread, because the profiler's first use in another thread logs a warning."""
    peak_memory(lambda: None, torch.device("cpu"))


def peak_memory(work: Callable[[], Result], device: torch.device) -> tuple[Result, int]:
    """The result of `work`, and the peak of the bytes that it allocated."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        found = work()
        return found, torch.cuda.max_memory_allocated(device) - before
    # not torch.profiler.profile, which imports the compiler, and that takes seconds
    with torch.autograd.profiler.profile(profile_memory=True) as profile:
        found = work()
    events = [e for e in profile.kineto_results.events() if e.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return found, peak
