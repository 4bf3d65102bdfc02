"""Is our sample the pipeline's own?

The pipeline runs once by itself, while its scheduler is watched. Compared are, in this order, what would explain a
difference: the number of steps; the states between steps (a pipeline that changes them); the network's output of each
step; the last state; what the VAE is given. Every difference is relative to the largest entry.

A pipeline in half precision rounds its state after every step, and some schedulers round within it; our states are in
float32. The last state is then compared with that of the pipeline's scheduler run again in float32, on the outputs that
the pipeline's network gave. A scheduler that draws noise is not run again.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from adjointdeis.pipelines.images import Images
from adjointdeis.pipelines.inputs import no_gradient
from adjointdeis.pipelines.start import Adapter, Run
from adjointdeis.pipelines.table import Table
from adjointdeis.probe import scale
from adjointdeis.sample import sample

FULL, HALF = 1e-4, 5e-3
STEPWISE = (
    "cfg_trunc_ratio", "control_guidance_start", "control_guidance_end", "guidance_interval", "cfg_normalization",
    "pag_applied_layers", "denoising_end", "strength", "original_inference_steps", "t_start",
)  # fmt: skip
"""Options of diffusers that act on some steps only."""


def relative(a: Tensor, b: Tensor) -> float:
    """max |a - b| / max |b|."""
    return float((a.double() - b.double()).abs().max() / b.double().abs().max().clamp_min(1e-30))


def verify(pipe: Any, adapter: Adapter, found: Table, seed: int = 0) -> float:
    """The largest relative difference between our sample and the pipeline's own.

    Args:
        pipe: the pipeline.
        adapter: its adapter, for the number of steps that are compared.
        found: the table of the pipeline's own steps.
        seed: of the pipeline's run.

    Raises:
        ValueError: a difference above 1e-4, or 5e-3 in half precision; or a network without gradient.
    """
    run = adapter.run(torch.Generator().manual_seed(seed))
    half = _is_half(pipe, run)
    tolerance = HALF if half else FULL
    name, call = type(pipe).__name__, getattr(adapter, "call", {})

    def compare(a: Tensor, b: Tensor, what: str) -> float:
        difference = relative(a, b) if a.shape == b.shape else float("inf")
        if not difference <= tolerance:
            raise ValueError(
                f"{what} differs from what {name} computes by {difference:.1e} of its largest entry, more than "
                f"{tolerance:.0e}{_suspects(call)}."
            )
        return difference

    times = adapter.start.timesteps
    if len(run.steps) != found.sampler.steps and len(run.steps) != len(times):
        raise ValueError(
            f"{name} makes {len(run.steps)} steps of its scheduler for {len(times)} times, so its loop is not "
            "that of one "
            "sampler; use a pipeline with one state and one scheduler."
        )
    worst = _compare_steps(adapter, run, compare)
    again = half and all(step.noise is None for step in run.steps)
    theirs = _sampled_again(adapter, run) if again else run.steps[-1].following
    last = _sampled(adapter, found, run, again) / found.last
    worst = max(worst, compare(last.to(theirs.dtype), theirs, "The last state"))
    if run.decoded is not None:
        layout = Images(pipe, adapter, found.last).layout
        decoded = layout.forward(run.steps[-1].following.float())
        worst = max(worst, compare(decoded, run.decoded, "What the VAE is given"))
    _check_gradient(pipe, adapter, run)
    return worst


def _compare_steps(adapter: Adapter, run: Run, compare: Any) -> float:
    worst = 0.0
    for before, after in zip(run.steps, run.steps[1:], strict=False):
        what = f"The state between the steps at t = {before.time:.4g} and {after.time:.4g}"
        worst = max(worst, compare(before.following, after.state, f"{what} is changed by the pipeline: it"))
    for i, step in enumerate(run.steps):
        x = step.state * scale(adapter.start.scheduler, adapter.start.timesteps[i])
        with torch.no_grad():
            output = adapter.network(i, x.to(step.state.dtype), adapter.start.z)
        what = f"The network's output at step {i + 1} (t = {step.time:.4g})"
        worst = max(worst, compare(output, step.output, what))
    return worst


def _sampled_again(adapter: Adapter, run: Run) -> Tensor:
    """The last state of the pipeline's scheduler in float32, on the outputs of the pipeline's network."""
    scheduler, x = copy.deepcopy(adapter.start.scheduler), run.steps[0].state.float()
    for t, step in zip(adapter.start.timesteps, run.steps, strict=False):
        result = scheduler.step(step.output.float(), t, x, **adapter.start.arguments)
        x = result[0] if isinstance(result, tuple) else result.prev_sample
    return x


def _sampled(adapter: Adapter, found: Table, run: Run, again: bool) -> Tensor:
    """Our last state, from the pipeline's first one and its noises, and from the outputs of its network if `again`."""
    x = (run.steps[0].state * found.first).to(widest(run.steps[0].state))
    noises = None
    if found.sampler.sde:
        given = [torch.zeros_like(x) if step.noise is None else step.noise.to(x) for step in run.steps]
        noises = torch.stack(given[: found.sampler.steps])
    rows = iter(range(len(run.steps)))

    def network(_: Tensor, state: Tensor, z: Any) -> Tensor:
        row = next(rows)
        return run.steps[row].output if again else adapter.network(row, state.to(adapter.start.state.dtype), z)

    with torch.no_grad():
        *_, last = sample(network, found.sampler, x, adapter.start.z, noises)
    return last


def widest(x: Tensor) -> torch.dtype:
    """float32, or the state's dtype if that is wider: steps are computed in it."""
    return torch.promote_types(x.dtype, torch.float32)


def _check_gradient(pipe: Any, adapter: Adapter, run: Run) -> None:
    step, first = run.steps[0], scale(adapter.start.scheduler, adapter.start.timesteps[0])
    with torch.enable_grad():
        x = (step.state * first).to(step.state.dtype).requires_grad_(True)
        try:
            output = adapter.network(0, x, adapter.start.z)
            gradient = torch.autograd.grad(output.float().square().mean(), x)[0] if output.requires_grad else None
        except RuntimeError as error:
            raise ValueError(no_gradient(pipe, str(error).splitlines()[0])) from error
    if gradient is None:
        raise ValueError(no_gradient(pipe))
    if not gradient.isfinite().all():
        raise ValueError(
            f"The gradient of {type(pipe).__name__}'s network is not finite; use bfloat16 or float32 weights."
        )


def _is_half(pipe: Any, run: Run) -> bool:
    parts = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
    dtypes = {p.dtype for part in parts for p in part.parameters()} | {run.steps[0].state.dtype}
    return bool(dtypes & {torch.float16, torch.bfloat16})


def _suspects(call: Any) -> str:
    named = [name for name in STEPWISE if call.get(name) is not None]
    return f"; {', '.join(named)} acts on some steps only: leave it out" if named else ""
