"""The cost and the error of one gradient method, measured in this process."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from adjointdeis import GradientMethod, LossAndGradients, Sampler, Unrolled, time_from_scheduler
from benchmarks.gaussian_mixture import relative_error
from benchmarks.gradients.methods import METHODS, Setting
from benchmarks.gradients.peers import Peer, noises_of
from clay.world import load_world

BATCH = 2
Row = dict[str, Any]


class Counted:
    """A network that counts its calls without and with gradients enabled."""

    def __init__(self, model: Any) -> None:
        self.model, self.calls = model, {False: 0, True: 0}

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """The network's output."""
        self.calls[torch.is_grad_enabled()] += 1
        output: Tensor = self.model(t, x, z)
        return output


class Problem:
    """The embedded network, a sampler, x_T, z, noises and a loss; equal in every process."""

    def __init__(self, steps: int, sde: bool, device: str) -> None:
        world = load_world(device=device)
        scheduler: Any = world.scheduler
        scheduler.set_timesteps(steps)
        self.setting = Setting(steps, time_from_scheduler(scheduler))
        # the SDE of the noise family cannot end at sigma = 0
        self.sampler = Sampler.from_scheduler(
            scheduler, sde=sde, order=1, family="noise", final="sigma_min" if sde else "scheduler"
        )
        self.model = world.autoencoder
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(BATCH, *world.autoencoder.sample_shape, generator=generator).to(device)
        self.z = torch.randn(BATCH, 128, generator=generator).to(device)
        self.noises = noises_of(self.sampler, self.x) if sde else None

    def loss_fn(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,)."""
        return (image - 0.5).square().mean(dim=(1, 2, 3))

    def differentiate(self, method: GradientMethod | Peer, model: Any = None) -> LossAndGradients:
        """One gradient, of the embedded network or of `model`."""
        return method.value_and_grad(model or self.model, self.sampler, self.x, self.z, self.loss_fn, self.noises)

    def forward(self) -> None:
        """One network call without a graph."""
        with torch.no_grad():
            self.model(torch.full((BATCH,), 500, device=self.x.device), self.x, self.z)

    def forward_backward(self) -> None:
        """One network call with its backward pass."""
        x, z = self.x.clone().requires_grad_(), self.z.clone().requires_grad_()
        output = self.model(torch.full((BATCH,), 500, device=self.x.device), x, z)
        torch.autograd.grad(output.sum(), [x, z])


def measure(name: str, steps: int, repeats: int = 3, device: str = "cpu") -> Row:
    """One row of the table; see `benchmarks.gradients.__main__` for its fields.

    Args:
        name: a key of `METHODS`.
        steps: number of sampling steps.
        repeats: number of timings; the row holds their medians.
        device: such as "cpu" or "cuda".
    """
    problem = Problem(steps, METHODS[name].sde, device)
    method = METHODS[name].make(problem.setting)
    for _ in range(3):
        problem.forward_backward()
    before, counted = peak_mib(device), Counted(problem.model)
    found = problem.differentiate(method, counted)
    memory = peak_mib(device) - before
    timings = [
        (
            seconds(problem.forward, steps, device),
            seconds(problem.forward_backward, steps, device),
            seconds(lambda: problem.differentiate(method), 1, device),
        )
        for _ in range(repeats)
    ]
    plain, recorded = (calls / steps for calls in (counted.calls[False], counted.calls[True]))
    truth = problem.differentiate(Unrolled())
    return {
        "method": name,
        "N": steps,
        "calls": [counted.calls[False], counted.calls[True]],
        "seconds": statistics.median(took for _, _, took in timings),
        "floor": statistics.median(took / (f + b) for f, b, took in timings),
        "own": statistics.median(took / (plain * f + recorded * b) for f, b, took in timings),
        "memory": memory,
        "error x_T": relative_error(found.grads["x_T"], truth.grads["x_T"]),
        "error z": relative_error(found.grads["z"], truth.grads["z"]),
        "image": relative_error(found.image, truth.image),
        "device": device,
        "threads": torch.get_num_threads(),
    }


def peak_mib(device: str) -> float:
    """The peak memory so far in MiB: resident memory of the process, or allocated memory of the GPU."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds(run: Callable[[], object], times: int, device: str) -> float:
    """Seconds of `times` runs: CPU time of the process on one thread, else wall time."""
    clock = time.process_time if device == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    for _ in range(times):
        run()
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return clock() - start
