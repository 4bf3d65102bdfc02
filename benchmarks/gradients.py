"""What does a gradient through the whole sampler cost? `python -m benchmarks.gradients`

Every method on the same network, grid and loss, one process each so that the peak of the resident memory is its own.
"time" is the method's over that of N network calls without gradient plus N with a forward-backward, measured in turns
in the same process. "memory" is the peak above that of a single forward-backward. "error" is against Unrolled.
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
from typing import Any, cast

import torch
from diffusers import UNet2DModel
from torch import Tensor

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, GradientMethod, LinearVP, Sampler, Unrolled

METHODS: dict[str, GradientMethod] = {
    "Unrolled": Unrolled(),
    "DiscreteAdjoint": DiscreteAdjoint(),
    "AdjointDEIS-1": ContinuousAdjoint(order=1),
    "AdjointDEIS-2M": ContinuousAdjoint(order=2),
}
SIZE, BATCH = 64, 2


def network() -> Callable[[Tensor, Tensor, Tensor | None], Tensor]:
    """A small untrained UNet conditioned on z (b, 128) through its time embedding."""
    torch.manual_seed(0)
    make: Any = UNet2DModel  # diffusers' classes are not annotated as callables
    unet = make(
        sample_size=SIZE,
        block_out_channels=(32, 64, 96),
        down_block_types=("DownBlock2D",) * 3,
        up_block_types=("UpBlock2D",) * 3,
        layers_per_block=1,
        norm_num_groups=16,
        class_embed_type="identity",
    ).requires_grad_(False)
    return lambda t, x, z: cast(Tensor, unet(x, 1000 * t, class_labels=z).sample)


def peak_mib() -> float:
    """The process's largest resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(method: str, steps: int, repeats: int) -> dict[str, Any]:
    """One row of the table, in this process."""
    model, sampler = network(), Sampler.from_grid(LinearVP().uniform_log_snr(steps))
    x, z = torch.randn(BATCH, 3, SIZE, SIZE), torch.randn(BATCH, 128)
    t = torch.full((BATCH,), 0.5)

    def loss_fn(image: Tensor) -> Tensor:
        return image.square().mean(dim=(1, 2, 3))

    def forward() -> None:
        with torch.no_grad():
            model(t, x, z)

    def forward_backward() -> None:
        x_, z_ = x.clone().requires_grad_(), z.clone().requires_grad_()
        torch.autograd.grad(model(t, x_, z_).sum(), [x_, z_])

    for _ in range(3):
        forward_backward()
    before = peak_mib()
    METHODS[method].value_and_grad(model, sampler, x, z, loss_fn)
    memory = peak_mib() - before
    seconds, ratios = [], []
    for _ in range(repeats):
        unit = 0.0
        for call in (forward, forward_backward):
            start = time.perf_counter()
            for _ in range(steps):
                call()
            unit += time.perf_counter() - start
        start = time.perf_counter()
        found = METHODS[method].value_and_grad(model, sampler, x, z, loss_fn)
        seconds.append(time.perf_counter() - start)
        ratios.append(seconds[-1] / unit)
    truth = Unrolled().value_and_grad(model, sampler, x, z, loss_fn)
    errors = {v: float((found.grads[v] - g).norm() / g.norm()) for v, g in truth.grads.items()}
    return {
        "seconds": statistics.median(seconds),
        "ratio": statistics.median(ratios),
        "memory": memory,
        "states": steps * x.numel() * x.element_size() / 2**20,
        "errors": errors,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 20, 50])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "STEPS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.one:
        print(json.dumps(measure(options.one[0], int(options.one[1]), options.repeats)))
        return
    print(
        "| method | N | seconds | time / (N forward + N forward-backward) | memory MiB | states MiB | error x_T | z |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for steps in options.steps:
        for method in METHODS:
            flags = ["--one", method, str(steps), "--repeats", str(options.repeats), "--threads", str(options.threads)]
            command = [sys.executable, "-m", "benchmarks.gradients", *flags]
            row = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            print(
                f"| {method} | {steps} | {row['seconds']:.2f} | {row['ratio']:.2f} | {row['memory']:.0f} | "
                f"{row['states']:.1f} | {row['errors']['x_T']:.1e} | {row['errors']['z']:.1e} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
