"""The paper's two functions, call-compatible with what was published (2405.15020, github.com/zblasingame/AdjointDEIS).

They follow the paper where the published file departs from it: the grid is the scheduler's own and ends
at its cleanest training time t = 0 (sigma_min, an SDE encoding needs a last noise); every step is differentiated,
including the last; `n_opt_steps` updates are made and the sample after the last one is returned; the caller's
tensors do not change. Parameters after * are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from adjointdeis.conditioning import map_tensors
from adjointdeis.denoiser import Denoiser
from adjointdeis.encode import encode
from adjointdeis.gradients.base import GradientMethod
from adjointdeis.gradients.discrete import DiscreteAdjoint
from adjointdeis.gradients.problem import LossFn
from adjointdeis.guide import Frame, OptimizerFactory, guide
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning


def adjointDEIS(
    model: Denoiser,
    scheduler: Any,
    xT: Tensor,
    z: Conditioning,
    loss_fn: LossFn,
    ws: Mapping[int, Tensor] | Sequence[Tensor] | None = None,
    is_sde: bool = False,
    n_opt_steps: int = 50,
    lr: float = 1e-2,
    noise_level: float = 1.0,
    seed: int | None = None,
    device: torch.device | str | None = None,
    *,
    gradient: GradientMethod | None = None,
    optimizer: str | OptimizerFactory = "sgd",
    on_step: Callable[[Frame], None] | None = None,
) -> Tensor:
    """Optimise x_T and z by the gradient of loss_fn at the sample, and return the final sample x_0.

    Args:
        model: eps network, model(t, x, z).
        scheduler: diffusers scheduler, after `set_timesteps`.
        xT: starting state (b, *x).
        z: conditioning, or None (then x_T alone is optimised).
        loss_fn: image -> one value an image; of a batch of one also a single value.
        ws: noises by int(timestep), as `encode_cycle_sde` returns them, or in the order of the steps; drawn from
            `seed` if None. SDE only.
        is_sde: sample by SDE-DPM-Solver-1 (eq. 3.6) instead of DDIM.
        n_opt_steps: number of gradient updates; 0 returns the plain sample.
        lr: learning rate of x_T and z.
        noise_level: share of the grid used, in (0, 1]; the same as in the encoding.
        seed: seed of the drawn noises.
        device: where to compute; where xT is if None.
        gradient: DiscreteAdjoint() if None, which is exact and what the authors recommend today. The published
            algorithm is ContinuousAdjoint(order=1).
        optimizer: "sgd" as published, or as in `guide`.
        on_step: called with every Frame.

    Raises:
        ValueError: an argument out of range, ws without is_sde, or a timestep missing in ws.
    """
    sampler = _sampler(scheduler, is_sde, noise_level)
    device = xT.device if device is None else torch.device(device)
    xT, z = xT.to(device), map_tensors(lambda v: v.to(device), z)
    noises = None
    if is_sde:
        noises = _drawn(sampler, xT, seed) if ws is None else _stacked(sampler, ws, device)
    elif ws is not None:
        raise ValueError("ws are the noises of the SDE; pass is_sde=True with them.")
    for frame in guide(
        model,
        sampler,
        xT,
        z,
        loss_fn,
        noises=noises,
        gradient=gradient or DiscreteAdjoint(),
        optimizer=optimizer,
        lr=lr,
        steps=n_opt_steps,
    ):
        if on_step is not None:
            on_step(frame)
    return frame.image


def encode_cycle_sde(
    model: Denoiser,
    scheduler: Any,
    x0: Tensor,
    z: Conditioning,
    noise_level: float = 1.0,
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
) -> tuple[Tensor, dict[int, Tensor]]:
    """Encode an image into x_T and the noises of SDE-DPM-Solver-1 (eq. 3.7), whose sample is that image.

    Args as above; `generator` draws the noisy path.

    Returns:
        x_T, and ws: int(timestep) of a step's noisier end -> its noise.

    Raises:
        ValueError: an argument out of range, or two steps that share one integer timestep.
    """
    sampler = _sampler(scheduler, True, noise_level)
    device = x0.device if device is None else torch.device(device)
    x_T, noises = encode(model, sampler, x0.to(device), map_tensors(lambda v: v.to(device), z), generator)
    assert noises is not None  # an SDE encoding always has them
    return x_T, dict(zip(_timesteps(sampler), noises, strict=True))


def _sampler(scheduler: Any, is_sde: bool, noise_level: float) -> Sampler:
    return Sampler.from_scheduler(scheduler, sde=is_sde, noise_level=noise_level, family="noise", final="sigma_min")


def _timesteps(sampler: Sampler) -> list[int]:
    keys = [int(row.time) for row in sampler.rows]
    if len(set(keys)) != len(keys):
        raise ValueError(
            "Two steps share one integer timestep, so a dict cannot hold their noises; use fewer steps, or "
            "`encode`, which returns them in order."
        )
    return keys


def _stacked(sampler: Sampler, ws: Mapping[int, Tensor] | Sequence[Tensor], device: torch.device) -> Tensor:
    if not isinstance(ws, Mapping):
        return torch.stack([w.to(device) for w in ws])
    keys = _timesteps(sampler)
    if missing := [k for k in keys if k not in ws]:
        raise ValueError(
            f"ws has no noise for timestep {missing[0]}; encode with the same scheduler, number of steps and "
            "noise_level."
        )
    return torch.stack([ws[k].to(device) for k in keys])


def _drawn(sampler: Sampler, xT: Tensor, seed: int | None) -> Tensor:
    generator = None if seed is None else torch.Generator(xT.device).manual_seed(seed)
    return sampler.draw_noises(xT, generator)
