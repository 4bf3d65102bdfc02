"""The training loop: optimiser, learning rate, averaged weights, checkpoints and progress.

Each step draws its random numbers from a generator seeded with (seed, step) only. So a training run that is stopped
and resumed ends with the same weights as an uninterrupted one.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
LossFunction = Callable[[Network, int, torch.Generator], dict[str, Tensor]]
"""(network, step, generator) -> named scalars; the one named "loss" is minimised."""


@dataclass(frozen=True)
class Plan:
    """The number of steps and the optimiser's parameters.

    Args:
        steps: number of steps; the learning rate falls to 2 % of `rate` along a half cosine.
        rate: highest learning rate.
        warmup: number of steps in which the rate rises from 0.
        decay: of the averaged weights, average <- decay average + (1 - decay) weights; 0 keeps the latest weights.
        weight_decay: AdamW's weight decay, for every weight.
        clip: largest norm of the gradient.
        seed: seed of all random numbers.
        checkpoint_seconds: time between two checkpoints.
    """

    steps: int
    rate: float
    warmup: int = 200
    decay: float = 0.999
    weight_decay: float = 1e-3
    clip: float = 1.0
    seed: int = 0
    checkpoint_seconds: float = 240.0

    def rate_at(self, step: int) -> float:
        """rate * min(1, (step + 1) / warmup) * (0.02 + 0.98 (1 + cos(pi step / steps)) / 2)."""
        cosine = 0.5 + 0.5 * math.cos(math.pi * min(step / self.steps, 1.0))
        return self.rate * min(1.0, (step + 1) / self.warmup) * (0.02 + 0.98 * cosine)


@dataclass(frozen=True)
class Progress(Generic[Network]):
    """The state of a training run after some steps.

    Args:
        step: number of steps done.
        average: the network with averaged weights, in eval mode.
        saved: whether a checkpoint has just been written.
        line: smoothed losses and remaining time, as text.
    """

    step: int
    average: Network
    saved: bool
    line: str


def generator_for(seed: int, step: int, device: str | torch.device = "cpu") -> torch.Generator:
    """A generator that depends on seed, step and the type of the device only."""
    return torch.Generator(device).manual_seed(seed * 1_000_003 + step)


def _update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
        for mean, current in zip(average.buffers(), network.buffers(), strict=True):
            mean.copy_(current)


class _Meter:
    """Smoothed losses, and an estimate of the remaining time."""

    def __init__(self, first: int, steps: int) -> None:
        self.first, self.steps, self.began = first, steps, time.perf_counter()
        self.means: dict[str, Tensor] = {}

    def add(self, losses: dict[str, Tensor]) -> None:
        for name, value in losses.items():
            new = value.detach()  # converted to a number in `line` only, so that a GPU is not synchronised in each step
            self.means[name] = new if name not in self.means else 0.98 * self.means[name] + 0.02 * new

    def line(self, step: int) -> str:
        pace = (time.perf_counter() - self.began) / max(step - self.first, 1)
        values = " ".join(f"{name} {value:.4f}" for name, value in self.means.items())
        left = pace * (self.steps - step) / 60
        return f"step {step}/{self.steps}  {values}  {pace:.2f} s/step, {left:.0f} min left"


def _save(path: Path, state: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".partial")
    torch.save(state, unfinished)
    unfinished.rename(path)


def train(network: Network, losses: LossFunction[Network], plan: Plan, checkpoint: Path) -> Iterator[Progress[Network]]:
    """Train `network` in place with AdamW; resumes from `checkpoint` if that file exists.

    Args:
        network: the network.
        losses: see `LossFunction`.
        plan: number of steps and the optimiser's parameters.
        checkpoint: file with weights, averaged weights, optimiser state and step.

    Yields:
        The progress every 50 steps, at every checkpoint, and after the last step.
    """
    average = copy.deepcopy(network).requires_grad_(False)
    trained = [weights for weights in network.parameters() if weights.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=plan.rate, betas=(0.9, 0.99), weight_decay=plan.weight_decay, fused=True)
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location="cpu")
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    network.train()
    device = next(network.parameters()).device
    meter, saved_at = _Meter(first, plan.steps), time.perf_counter()
    for step in range(first, plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = plan.rate_at(step)
        values = losses(network, step, generator_for(plan.seed, step, device))
        optimizer.zero_grad(set_to_none=True)
        values["loss"].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, plan.clip)
        optimizer.step()
        # A shorter average at first, when the weights change fast, so that it does not contain the random start.
        _update_average(average, network, min(plan.decay, (1 + step) / (10 + step)))
        meter.add(values)
        done = step + 1
        due = time.perf_counter() - saved_at > plan.checkpoint_seconds or done == plan.steps
        if due:
            weights = {"network": network.state_dict(), "average": average.state_dict()}
            _save(checkpoint, {"step": done, **weights, "optimizer": optimizer.state_dict()})
            saved_at = time.perf_counter()
        if due or done % 50 == 0:
            yield Progress(done, average.eval(), due, meter.line(done))
