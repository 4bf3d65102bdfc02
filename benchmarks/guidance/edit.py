"""One edit by one method, and its evaluation by networks that are not in the loss."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from adjointdeis import CountedModel, Encoding, GradientMethod, Precomputed, Sampler, encode, guide
from benchmarks.clock import clock
from benchmarks.guidance.methods import Method
from benchmarks.guidance.tasks import Task, attributes_of
from benchmarks.morphing.held_out import ImageQuality, People, as_saved
from benchmarks.records import Row
from clay.world import ClayWorld
from losses import Loss
from studio.core.settings import Settings
from studio.runs.step_options import step_options


@torch.no_grad()
def edit(world: ClayWorld, method: Method, task: Task) -> tuple[Tensor, int]:
    """One image for each strength, (s, 3, 64, 64), and the network calls of each."""
    model = CountedModel(world.autoencoder)
    scheduler: Any = copy.deepcopy(world.scheduler)
    scheduler.set_timesteps(method.steps)
    sampler = Sampler.from_scheduler(scheduler, sde=True, order=1, family="data", final="sigma_min")
    z = world.autoencoder.encode(task.image)
    prepare = world.autoencoder.prepare
    code = encode(model, sampler, task.image, prepare(z), torch.Generator().manual_seed(task.number))
    if method.one_step:
        strength = torch.tensor(method.strengths, device=z.device)
        # a z that changes must be prepared again in every step
        conditioning = z if method.one_step.with_z else prepare(z)
        start = _repeated(code, conditioning, len(strength))
        return method.one_step.sample(model, sampler, start, task.loss, strength), model.calls
    return _guided(model, sampler, code, z, task.loss, method.updates, Precomputed(prepare)), model.calls


def _guided(
    model: CountedModel,
    sampler: Sampler,
    code: Encoding,
    z: Tensor,
    loss: Loss,
    updates: int,
    gradient: GradientMethod,
) -> Tensor:
    step = step_options(Settings(loss="clip_text"), {**code._asdict(), "z": z})
    frames = guide(
        model, sampler, code.x_T, z, loss, noises=code.noises, gradient=gradient, steps=updates, **step._asdict()
    )
    return min(frames, key=lambda frame: float(frame.loss[0])).image


def _repeated(code: Encoding, z: Tensor, times: int) -> tuple[Tensor, Tensor, Tensor | None]:
    noises = None if code.noises is None else code.noises.repeat_interleave(times, dim=1)
    return code.x_T.repeat_interleave(times, dim=0), z.repeat_interleave(times, dim=0), noises


def evaluated(world: ClayWorld, quality: ImageQuality, method: Method, task: Task) -> list[Row]:
    """One row for each strength; see `benchmarks.guidance.__main__` for its fields."""
    now = clock(world.device)
    began = now()
    images, calls = edit(world, method, task)
    seconds, images = (now() - began) / len(images), as_saved(images)
    original = task.image.expand_as(images)
    with torch.no_grad():
        losses, before = task.loss(images), float(task.loss(task.image)[0])
        network = world.held_out["convolutional"]
        similarity = (network(images) * network(original)).sum(1)
    kept = similarity >= network.thresholds["fmr_1_percent"]
    noise = quality.denoising_error(images, People(original, original))
    after, start = world.reader.read(images), attributes_of(world, task.image)
    return [
        {
            "way": method.name,
            "settings": asdict(method),
            "strength": strength,
            "face": task.number,
            "goal": task.goal,
            "prompt": task.prompt,
            "confirmed": sum(after[name][k] == value for name, value in task.targets.items()) / len(task.targets),
            "changed": sum(after[name][k] != start[name] for name in after if name not in task.targets),
            "kept": bool(kept[k]),
            "noisiness": round(float(noise[k]), 4),
            "loss_before": round(before, 4),
            "loss_after": round(float(losses[k]), 4),
            "calls": calls,
            "seconds": round(seconds, 3),
        }
        for k, strength in enumerate(method.strengths)
    ]
