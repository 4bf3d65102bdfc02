"""What all trainings share: the loop, the learning rate, the averaged weights, checkpoints, progress.

Every step draws its randomness from a generator seeded with (seed, step) and nothing else, so a training that
is stopped and resumed ends with the very same weights as one that ran through.
"""

import argparse
import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

LossFunction = Callable[[nn.Module, int, torch.Generator], dict[str, Tensor]]


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train.

    Args:
        steps: planned number of steps; the learning rate falls to 2 % along a half cosine until then.
        rate: highest learning rate.
        warmup: steps in which the rate rises from 0.
        decay: of the averaged weights, average <- decay average + (1 - decay) weights; 0 switches it off.
        weight_decay: of AdamW, on every weight.
        clip: largest norm of the gradient.
        seed: of everything drawn at random.
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
class Moment:
    """A point in a training at which something may be shown or saved.

    Args:
        step: steps done.
        average: the network to use or save, with averaged weights.
        saved: whether a checkpoint has just been written.
        line: progress in words.
    """

    step: int
    average: nn.Module
    saved: bool
    line: str


def generator_for(seed: int, step: int, device: str | torch.device = "cpu") -> torch.Generator:
    """A generator that depends on nothing but seed and step; its numbers are others on another kind of device."""
    return torch.Generator(device).manual_seed(seed * 1_000_003 + step)


def _blend(average: nn.Module, network: nn.Module, decay: float) -> None:
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
        for mine, theirs in zip(average.buffers(), network.buffers(), strict=True):
            mine.copy_(theirs)


class _Progress:
    """Smoothed losses and the time that is left."""

    def __init__(self, first: int, steps: int) -> None:
        self.first, self.steps, self.began = first, steps, time.perf_counter()
        self.means: dict[str, Tensor] = {}

    def add(self, losses: dict[str, Tensor]) -> None:
        for name, value in losses.items():
            new = value.detach()  # read only when shown: a GPU need not wait
            self.means[name] = new if name not in self.means else 0.98 * self.means[name] + 0.02 * new

    def line(self, step: int) -> str:
        pace = (time.perf_counter() - self.began) / max(step - self.first, 1)
        values = " ".join(f"{name} {value:.4f}" for name, value in self.means.items())
        left = pace * (self.steps - step) / 60
        return f"step {step}/{self.steps}  {values}  {pace:.2f} s a step, {left:.0f} min left"


def _save(path: Path, state: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".partial")
    torch.save(state, unfinished)
    unfinished.rename(path)


def train(network: nn.Module, losses: LossFunction, plan: Plan, checkpoint: Path) -> Iterator[Moment]:
    """Train `network` in place, from `checkpoint` if that file exists.

    Args:
        network: what is trained.
        losses: (network, step, generator) -> named scalars; the one called "loss" is minimised.
        plan: see `Plan`.
        checkpoint: file with weights, averaged weights, optimiser state and step.

    Yields:
        A moment every 50 steps, at every checkpoint, and after the last step.
    """
    average = copy.deepcopy(network).requires_grad_(False)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=plan.rate, betas=(0.9, 0.99), weight_decay=plan.weight_decay, fused=True
    )
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location="cpu")
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    network.train()
    device = next(network.parameters()).device
    progress, saved_at = _Progress(first, plan.steps), time.perf_counter()
    for step in range(first, plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = plan.rate_at(step)
        generator = generator_for(plan.seed, step, device)
        values = losses(network, step, generator)
        optimizer.zero_grad(set_to_none=True)
        values["loss"].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), plan.clip)
        optimizer.step()
        # Early on the weights change fast, and the average must not remember the random start.
        _blend(average, network, min(plan.decay, (1 + step) / (10 + step)))
        progress.add(values)
        done = step + 1
        due = time.perf_counter() - saved_at > plan.checkpoint_seconds or done == plan.steps
        if due:
            _save(
                checkpoint,
                {
                    "step": done,
                    "network": network.state_dict(),
                    "average": average.state_dict(),
                    "optimizer": optimizer.state_dict(),
                },
            )
            saved_at = time.perf_counter()
        if due or done % 50 == 0:
            yield Moment(done, average.eval(), due, progress.line(done))


def arguments(description: str, steps: int, out: str) -> argparse.ArgumentParser:
    """The command line that all trainings share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/clay"), help="pictures made by clay.people.dataset")
    parser.add_argument("--runs", type=Path, default=Path("runs/clay"), help="where checkpoints go")
    parser.add_argument("--out", type=Path, default=Path("assets/clay") / out, help="where the weights go")
    parser.add_argument("--steps", type=int, default=steps, help="planned number of steps")
    parser.add_argument("--seed", type=int, default=0, help="of everything drawn at random")
    parser.add_argument("--threads", type=int, default=1, help="threads torch may use")
    parser.add_argument("--device", default="cpu", help="where to train, as cpu or cuda")
    return parser
