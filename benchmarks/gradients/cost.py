"""What does a gradient through the whole sampler cost? `python -m benchmarks.gradients --out gradients.jsonl`

Every method, and what others offer, on the embedded world's network with the same grid and loss, one process each so
that the peak of the memory is its own. A row holds

    calls    of the network, without + with gradients enabled
    seconds  one gradient; on one core the process's own time, so that what else runs there does not count
    floor    time over that of N calls without and N with a forward-backward, measured in turns in the same process
    own      time over that of the method's own calls: what its bookkeeping adds. Where all graphs are kept the floor is
             N forward-backwards, and this is the ratio to that
    memory   the peak above that of a single forward-backward, MiB
    error    of dL/dx_T and dL/dz against Unrolled: plain autograd through the same sampler
    image    distance of the sampled image from the sampler's: 0, unless the method samples by a solver of its own, and
             then its gradient is another one

Rows are added to --out as they are measured, and --table prints the table of such a file again; --steps and --methods
choose rows, so that a long run can be made in pieces.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from adjointdeis import (
    ContinuousAdjoint,
    DiscreteAdjoint,
    LossAndGradients,
    OffTheShelf,
    Reversible,
    Sampler,
    SubgridAdjoint,
    Unrolled,
    time_from_scheduler,
)
from benchmarks.gradient_peers import Checkpointed, Torchdiffeq, Torchsde, noises_of
from clay.world import load_world

BATCH = 2


class Setting(NamedTuple):
    """What a method may need to know before it is made."""

    steps: int
    time: Callable[[float], float]


class Method(NamedTuple):
    """How to make a gradient method, and whether it is for the SDE."""

    make: Callable[[Setting], Any]
    sde: bool = False


METHODS: dict[str, Method] = {
    "Unrolled": Method(lambda _: Unrolled()),
    "DiscreteAdjoint": Method(lambda _: DiscreteAdjoint()),
    "DiscreteAdjoint, 10 states": Method(lambda _: DiscreteAdjoint(checkpoints=10)),
    "DiscreteAdjoint, 1 graph": Method(lambda _: DiscreteAdjoint(graphs=1)),
    "DiscreteAdjoint, graphs auto": Method(lambda _: DiscreteAdjoint(graphs="auto")),
    "DiscreteAdjoint, 256 MiB": Method(lambda _: DiscreteAdjoint(memory_budget=2**28, graphs="auto")),
    "SubgridAdjoint, N/5": Method(lambda s: SubgridAdjoint(max(s.steps // 5, 1))),
    "AdjointDEIS-1": Method(lambda _: ContinuousAdjoint(1)),
    "AdjointDEIS-2M": Method(lambda _: ContinuousAdjoint(2)),
    "AdjointDEIS-1, resolved": Method(lambda _: ContinuousAdjoint(1, trajectory="resolved")),
    "AdjointDEIS-1, M = N/5": Method(lambda s: ContinuousAdjoint(1, steps=max(s.steps // 5, 1))),
    "Reversible": Method(lambda _: Reversible()),
    "OffTheShelf, rk4": Method(lambda s: OffTheShelf("rk4", adjoint=True, time=s.time)),
    "checkpoint per step": Method(lambda _: Checkpointed()),
    "checkpoint per step, reentrant": Method(lambda _: Checkpointed(reentrant=True)),
    "torchdiffeq euler": Method(lambda s: Torchdiffeq("euler", s.time)),
    "torchdiffeq midpoint": Method(lambda s: Torchdiffeq("midpoint", s.time)),
    "torchdiffeq dopri5": Method(lambda s: Torchdiffeq("dopri5", s.time)),
    "SDE: Unrolled": Method(lambda _: Unrolled(), sde=True),
    "SDE: DiscreteAdjoint": Method(lambda _: DiscreteAdjoint(), sde=True),
    "SDE: DiscreteAdjoint, graphs auto": Method(lambda _: DiscreteAdjoint(graphs="auto"), sde=True),
    "SDE: AdjointDEIS-1": Method(lambda _: ContinuousAdjoint(1), sde=True),
    "SDE: torchsde euler": Method(lambda s: Torchsde(s.time), sde=True),
}
COLUMNS = ("method", "N", "calls", "seconds", "floor", "own", "memory", "error x_T", "error z", "image")


class Counted:
    """The network, its calls counted by whether they are recorded."""

    def __init__(self, model: Any) -> None:
        self.model, self.calls = model, {False: 0, True: 0}

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """The network's output."""
        self.calls[torch.is_grad_enabled()] += 1
        output: Tensor = self.model(t, x, z)
        return output


class Problem:
    """Network, sampler, start, conditioning, noises, loss: the same in every process."""

    def __init__(self, steps: int, sde: bool, device: str) -> None:
        world = load_world(device=device)
        scheduler: Any = world.scheduler
        scheduler.set_timesteps(steps)
        self.setting = Setting(steps, time_from_scheduler(scheduler))
        # the noise family's SDE cannot end at sigma = 0
        self.sampler = Sampler.from_scheduler(
            scheduler, sde=sde, order=1, family="noise", final="sigma_min" if sde else "scheduler"
        )
        self.model = world.autoencoder
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(BATCH, *world.autoencoder.sample_shape, generator=generator).to(device)
        self.z = torch.randn(BATCH, 128, generator=generator).to(device)
        self.noises = noises_of(self.sampler, self.x) if sde else None

    def loss_fn(self, image: Tensor) -> Tensor:
        """One value an image."""
        return (image - 0.5).square().mean(dim=(1, 2, 3))

    def differentiate(self, method: Any, model: Any = None) -> LossAndGradients:
        """One gradient."""
        found: LossAndGradients = method.value_and_grad(
            model or self.model, self.sampler, self.x, self.z, self.loss_fn, self.noises
        )
        return found

    def forward(self) -> None:
        """One call without a graph."""
        with torch.no_grad():
            self.model(torch.full((BATCH,), 500, device=self.x.device), self.x, self.z)

    def forward_backward(self) -> None:
        """One call with its backward pass."""
        x, z = self.x.clone().requires_grad_(), self.z.clone().requires_grad_()
        output = self.model(torch.full((BATCH,), 500, device=self.x.device), x, z)
        torch.autograd.grad(output.sum(), [x, z])


def measure(name: str, steps: int, repeats: int = 3, device: str = "cpu") -> dict[str, Any]:
    """One row, in this process."""
    problem = Problem(steps, METHODS[name].sde, device)
    method = METHODS[name].make(problem.setting)
    for _ in range(3):
        problem.forward_backward()
    before, counted = peak_mib(device), Counted(problem.model)
    found = problem.differentiate(method, counted)
    memory = peak_mib(device) - before
    turns = [
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
        "seconds": statistics.median(took for _, _, took in turns),
        "floor": statistics.median(took / (f + b) for f, b, took in turns),
        "own": statistics.median(took / (plain * f + recorded * b) for f, b, took in turns),
        "memory": memory,
        "error x_T": distance(found.grads["x_T"], truth.grads["x_T"]),
        "error z": distance(found.grads["z"], truth.grads["z"]),
        "image": distance(found.image, truth.image),
        "device": device,
        "threads": torch.get_num_threads(),
    }


def peak_mib(device: str) -> float:
    """The largest memory so far: the process's resident one, or the GPU's allocated one."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds(run: Callable[[], object], times: int, device: str) -> float:
    """How long so many runs take together; on one core the process's own time, so that others do not count."""
    clock = time.process_time if device == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    for _ in range(times):
        run()
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return clock() - start


def distance(found: Tensor, truth: Tensor) -> float:
    """|found - truth| / |truth|."""
    return float((found - truth).norm() / truth.norm())


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    cells = {
        "calls": "{} + {}".format(*row["calls"]),
        "seconds": f"{row['seconds']:.2f}",
        "floor": f"{row['floor']:.2f}",
        "own": f"{row['own']:.2f}",
        "memory": f"{row['memory']:.0f}",
        **{name: f"{row[name]:.1e}" for name in ("error x_T", "error z", "image")},
    }
    return "| " + " | ".join(cells.get(name, str(row[name])) for name in COLUMNS) + " |"


def table(rows: list[dict[str, Any]]) -> str:
    """The rows, ODE and SDE, by number of steps, in the order of METHODS; of repeated rows the last."""
    latest = {(row["N"], row["method"]): row for row in rows}
    order = sorted(latest, key=lambda key: (key[0], list(METHODS).index(key[1])))
    return "\n".join([header(), *(line(latest[key]) for key in order)])


def header() -> str:
    """The table's first two lines."""
    return "| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 20, 50, 200])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="a file of JSON lines to add the rows to")
    parser.add_argument("--table", type=Path, help="print the table of such a file and measure nothing")
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "STEPS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.table:
        lines = options.table.read_text(encoding="utf-8").splitlines()
        print(table([json.loads(text) for text in lines]))
        return
    if options.one:
        print(json.dumps(measure(options.one[0], int(options.one[1]), options.repeats, options.device)))
        return
    print(header())
    for steps in options.steps:
        for name in options.methods:
            flags = ["--repeats", str(options.repeats), "--threads", str(options.threads), "--device", options.device]
            command = [sys.executable, "-m", "benchmarks.gradients", "--one", name, str(steps), *flags]
            text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
            print(line(json.loads(text)), flush=True)
            if options.out:
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(text + "\n")


if __name__ == "__main__":
    main()
