"""Is from_pipeline the pipeline's own sampler, and its gradient that of the pipeline's own loop?

    python -m benchmarks.pipelines

Tiny pipelines with random weights (tiny_pipelines.py) run at N steps. Compared, each relative to the largest entry:

    difference      what `verify` compares: states, network outputs, last state and input of the VAE, with the
    pipeline's own gradient        DiscreteAdjoint's gradient in x_T and in every embedding, with plain automatic
    differentiation through
                    the pipeline's own loop, scheduler included; relative in the 2-norm, the largest of them
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import diffusers
import torch
from torch import Tensor

from adjointdeis import DiscreteAdjoint
from adjointdeis.conditioning import leaves, replaced
from adjointdeis.pipelines import PipelineModel, from_pipeline
from adjointdeis.pipelines.recorder import recorder
from adjointdeis.pipelines.stand_in import Silent, patched
from adjointdeis.pipelines.start import Step
from benchmarks.tiny_pipelines import MODULAR, STANDARD, Tiny, build


class Result(NamedTuple):
    """One row of the table."""

    scheduler: str
    state: tuple[int, ...]
    difference: float
    gradient: float
    seconds: float


def loss(image: Tensor) -> Tensor:
    """One value a state."""
    return (image.square() + image).flatten(1).mean(1)


def own_steps(m: PipelineModel, y: Tensor, z: Mapping[str, Any]) -> list[Step]:
    """The steps of the pipeline's own loop from y, with gradients."""
    adapter: Any = m.model.adapter
    steps: list[Step] = []
    scheduler = recorder(adapter.pipe.scheduler, steps)
    generator = torch.Generator().manual_seed(0)
    if hasattr(adapter, "loops"):
        step = _differentiable(adapter.loop, y, z)
        with patched(adapter.loop, loop_step=step, progress_bar=Silent), patched(adapter.pipe, scheduler=scheduler):
            adapter.pipe(**adapter.call, generator=generator)
        return steps
    parts = adapter.parts(0, y, z, lambda *_: None)
    given = {"generator": generator} if "generator" in adapter.names else {}
    adapter.called({**parts, "scheduler": scheduler}, {**z, **given})
    return steps


def _differentiable(loop: Any, y: Tensor, z: Mapping[str, Any]) -> Callable[..., Any]:
    """A `loop_step` that calls the sub-blocks past their no_grad, from the state y."""

    def loop_step(components: Any, block_state: Any, *, i: int, t: Tensor) -> Any:
        fields = getattr(block_state, "denoiser_input_fields", None)
        with torch.enable_grad():
            if i == 0:
                block_state.latents = y
            for name, value in z.items():
                if hasattr(block_state, name):
                    setattr(block_state, name, value)
                if isinstance(fields, dict) and name in fields:
                    fields[name] = value
            for block in loop.sub_blocks.values():
                call = type(block).__call__
                components, block_state = getattr(call, "__wrapped__", call)(block, components, block_state, i=i, t=t)
        return components, block_state

    return loop_step


def gradient_difference(m: PipelineModel) -> float:
    """The largest relative difference of a gradient to that of the pipeline's own loop."""
    x = m.draw(torch.Generator().manual_seed(1))
    y = (x / m.first).requires_grad_(True)
    entries = [v.detach().clone().requires_grad_(True) for v in leaves(dict(m.z))]
    steps = own_steps(m, y, replaced(dict(m.z), entries))
    value = loss(steps[-1].following * m.last).sum()
    found = torch.autograd.grad(value, [y, *entries], materialize_grads=True)
    truth = [found[0] / m.first, *found[1:]]
    noises = None
    if m.sampler.sde:
        noises = torch.stack([torch.zeros_like(x) if s.noise is None else s.noise for s in steps[: m.sampler.steps]])
    result = DiscreteAdjoint().value_and_grad(m.model, m.sampler, x, dict(m.z), loss, noises)
    ours = [result.grads["x_T"], *leaves(result.grads["z"])]
    if not all(b.any() for b in truth):
        raise ValueError("An embedding has no influence on the sample, so its gradient cannot be compared.")
    return max(float((a - b).norm() / b.norm()) for a, b in zip(ours, truth, strict=True))


def measure(function: Callable[[], Tiny], steps: int) -> Result:
    """One pipeline."""
    tiny = build(function)
    start = time.perf_counter()
    m = from_pipeline(tiny.pipe, num_inference_steps=steps, wrt=tiny.wrt, **tiny.call)
    difference = m.verify(None)
    gradient = gradient_difference(m)
    seconds = time.perf_counter() - start
    return Result(type(tiny.pipe.scheduler).__name__, tuple(m.draw().shape), difference, gradient, seconds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4, help="N")
    parser.add_argument("--only", default="", help="pipelines whose name holds this")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    for title, pipelines in (("Pipelines", STANDARD), ("Modular pipelines", MODULAR)):
        print(f"\n{title}, N = {given.steps}\n")
        print("| pipeline | scheduler | state | difference | gradient | seconds |\n|---|---|---|---|---|---|")
        for name, function in pipelines.items():
            if given.only in name:
                r = measure(function, given.steps)
                shape = " x ".join(map(str, r.state))
                print(f"| {name} | {r.scheduler} | {shape} | {r.difference:.1e} | {r.gradient:.1e} | {r.seconds:.1f} |")


if __name__ == "__main__":
    main()
