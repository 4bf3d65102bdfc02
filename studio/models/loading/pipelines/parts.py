"""A diffusers pipeline as the parts of a `Model`: its network with guidance, its grids, its own prompts and its VAE.

The pipeline's text encoder is used once and then freed. z is the prompt's embedding, `prompt_embeds`; what else the
pipeline computes from the prompt (pooled embeddings, masks, the negative prompt) is fixed.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import diffusers
import numpy as np
import torch
from torch import Tensor

from adjointdeis import Denoiser, HalfPrecision
from adjointdeis.pipelines import PipelineModel, PipelineNetwork, from_pipeline
from adjointdeis.pipelines.inputs import accepted, is_modular
from adjointdeis.pipelines.verify import FULL, HALF, relative
from studio.core.errors import UserError
from studio.models.catalogue.registry import Entry
from studio.models.loading.build import full_schedule
from studio.models.loading.pipelines.trigflow import TrigFlow, flow_scheduler
from studio.models.memory import release_memory
from studio.models.networks.latents import enable_gradient_checkpointing
from studio.models.options import LoadOptions
from studio.models.placement.placement import Placement

_CHECKED_SIDE = 256
"""Largest side of the images with which a pipeline is verified."""


class Parts(NamedTuple):
    """Fields of a `studio.models.interface.Model`; see there."""

    network: Denoiser
    encode: Callable[[Tensor], Tensor | None]
    scheduler: Callable[[], Any]
    latent: tuple[int, ...] | None = None
    encode_image: Callable[[Tensor], Tensor] | None = None
    decode: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class PromptNetwork:
    """net(t, x, z) of a pipeline, with the prompt's embedding as the tensor z.

    Args:
        model: the pipeline's network.
        listed: the pipeline takes a list of embeddings (l, d), one a prompt, instead of a tensor (b, l, d).
    """

    model: PipelineNetwork
    listed: bool

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None, /) -> Tensor:
        """The prediction, guidance included.

        Raises:
            ValueError: z is None.
        """
        if z is None:
            raise ValueError("A text-conditioned network needs the prompt's embedding as z; got None.")
        return self.model(t, x, {"prompt_embeds": [z[0]] if self.listed else z})

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The parameters of the pipeline's denoiser."""
        yield from self.model.denoiser.parameters()


def pipeline_parts(pipe: Any, entry: Entry, options: LoadOptions, placement: Placement) -> Parts:
    """The parts of a model.

    Args:
        pipe: a pipeline with its text encoders; they are removed.
        entry: of the registry, or detected.
        options: prompt, negative prompt and guidance.
        placement: device and memory savings; the pipeline is moved there.

    Raises:
        UserError: the pipeline cannot be used, or its own sample is not what we compute.
    """
    pipe.scheduler = scheduler_for(pipe.scheduler)
    _place(pipe, placement)
    _guide(pipe, entry.guidance if options.guidance is None else options.guidance)
    try:
        whole = from_pipeline(pipe, num_inference_steps=2, **{**arguments(pipe, entry, options), **grid(pipe, 2)})
        _free_encoders(pipe)
        _verify(whole, entry.size)
    except (ValueError, NotImplementedError) as error:
        raise UserError(f"“{entry.title}” cannot be steered: {str(error).rstrip('.')}.") from error
    _save_memory(whole.model.denoiser, pipe.vae, placement)
    z = whole.z["prompt_embeds"]
    listed = isinstance(z, list)
    start = (z[0].unsqueeze(0) if listed else z).float()
    network: Denoiser = PromptNetwork(replace(whole.model, off_grid=True), listed)
    if placement.half:
        network = HalfPrecision(network, placement.dtype, autocast=False)
    parts = Parts(
        network,
        lambda image: start.to(image).expand(len(image), *start.shape[1:]).clone(),
        schedules(whole),
        tuple(whole.model.adapter.start.state.shape[1:]),
        whole.encode_image,
        whole.decode,
    )
    return _rectified(parts, whole) if isinstance(pipe.scheduler, diffusers.SCMScheduler) else parts


def _rectified(parts: Parts, whole: PipelineModel) -> Parts:
    """A trigonometric flow as a rectified flow."""
    deviation = whole.model.pipe.scheduler.config.sigma_data
    return parts._replace(
        network=TrigFlow(parts.network, deviation),
        encode_image=lambda image: whole.encode_image(image) / deviation,
        decode=lambda latents: whole.decode(latents * deviation),
    )


def arguments(pipe: Any, entry: Entry, options: LoadOptions) -> dict[str, Any]:
    """The arguments of the pipeline's call: prompt, guidance, size.

    Raises:
        UserError: a negative prompt for a pipeline that takes none.
    """
    names = accepted(pipe)
    prompt = entry.prompt if options.prompt is None else options.prompt
    found: dict[str, Any] = {"prompt": prompt, "height": entry.size, "width": entry.size, **entry.call}
    scale = entry.guidance if options.guidance is None else options.guidance
    if scale is not None:
        found["true_cfg_scale" if "true_cfg_scale" in names else "guidance_scale"] = scale
    if options.negative and "negative_prompt" not in names:
        raise UserError(f"“{entry.title}” takes no negative prompt: leave out --negative.")
    found["negative_prompt"] = options.negative
    # one image, of exactly this size, of exactly this prompt
    exact = {"num_frames": 1, "use_resolution_binning": False, "complex_human_instruction": None}
    return {name: value for name, value in {**exact, **found}.items() if name in names}


def grid(pipe: Any, steps: int) -> dict[str, Any]:
    """The argument `sigmas` of a pipeline that was distilled on a grid of its own, interpolated at other numbers of
    steps; for an SCMScheduler, that no time is set for the second step, which it accepts of two steps only; else empty.
    """
    if isinstance(pipe.scheduler, diffusers.SCMScheduler):
        return {} if steps == 2 else {"intermediate_timesteps": None}
    published = pipe.config.get("sample_sigmas")
    if published is None:
        return {}
    places = np.arange(steps) * len(published) / steps
    return {"sigmas": np.interp(places, np.arange(len(published) + 1), [*published, 0.0]).tolist()}


def scheduler_for(scheduler: Any) -> Any:
    """The scheduler of diffusers whose grid this project's samplers use, with the same noise schedule.

    A flow keeps its own scheduler, or gets Euler's in place of a multistep one. Trigonometric flow keeps its own too.

    Raises:
        UserError: it has no noise schedule.
    """
    config: Mapping[str, Any] = scheduler.config
    if isinstance(scheduler, diffusers.FlowMatchEulerDiscreteScheduler | diffusers.SCMScheduler):
        return scheduler
    if config.get("prediction_type") == "flow_prediction":
        make: Any = diffusers.FlowMatchEulerDiscreteScheduler
        return make(config.get("num_train_timesteps", 1000), config.get("flow_shift") or config.get("shift") or 1.0)
    if "beta_schedule" not in config:
        raise UserError(
            f"The sampler of this pipeline, {type(scheduler).__name__}, has no noise schedule that the studio can use: "
            "use adjointdeis.pipelines."
        )
    return full_schedule(config)


def schedules(whole: PipelineModel) -> Callable[[], Any]:
    """A factory of schedulers whose `set_timesteps(N)` sets what the pipeline itself would, shift included."""

    @functools.lru_cache(maxsize=32)
    def state(steps: int) -> dict[str, Any]:
        scheduler: object = used(whole.at(steps, **grid(whole.model.pipe, steps)))
        return vars(scheduler)

    def make() -> Any:
        new = copy.deepcopy(used(whole))
        new.set_timesteps = lambda steps, *_, **__: vars(new).update(copy.deepcopy(state(steps)))
        return new

    return make


def used(whole: PipelineModel) -> Any:
    """The scheduler whose grid is used: the pipeline's, or a rectified flow's in place of a trigonometric one."""
    scheduler = whole.model.adapter.start.scheduler
    return flow_scheduler(scheduler) if isinstance(scheduler, diffusers.SCMScheduler) else scheduler


def _place(pipe: Any, placement: Placement) -> None:
    pipe.set_progress_bar_config(disable=True)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False).to(placement.device)
    if isinstance(unet := getattr(pipe, "unet", None), torch.nn.Module):  # convolutions are faster so, on CPUs too
        unet.to(memory_format=torch.channels_last)


def _guide(pipe: Any, scale: float | None) -> None:
    """Set the guidance of a modular pipeline, whose guider is one of its parts."""
    if is_modular(pipe) and scale is not None and hasattr(getattr(pipe, "guider", None), "guidance_scale"):
        pipe.update_components(guider=pipe.guider.new(guidance_scale=scale))


def _save_memory(denoiser: Any, vae: Any, placement: Placement) -> None:
    if placement.checkpointing:
        if getattr(denoiser, "_supports_gradient_checkpointing", False):
            denoiser.enable_gradient_checkpointing()
        enable_gradient_checkpointing(vae)
    if placement.sliced:
        if hasattr(denoiser, "set_attention_slice"):
            denoiser.set_attention_slice("auto")
        if hasattr(vae, "enable_tiling"):
            vae.enable_tiling()


def _free_encoders(pipe: Any) -> None:
    names = [name for name, part in pipe.components.items() if _encodes_text(name) and part is not None]
    (pipe.register_components if is_modular(pipe) else pipe.register_modules)(**dict.fromkeys(names))
    release_memory()


def _encodes_text(name: str) -> bool:
    return "encoder" in name or name == "prompt_upsampler"


def _verify(whole: PipelineModel, size: int) -> None:
    """Check our sample against the pipeline's, and that the network does not depend on the number of steps.

    Raises:
        ValueError: it differs, or depends on it.
    """
    side = min(size, _CHECKED_SIDE)
    small = whole.at(2, height=side, width=side)
    small.verify(num_inference_steps=None)
    other = small.at(3, **grid(whole.model.pipe, 3))
    x, t = small.draw(torch.Generator().manual_seed(0)), other.model.adapter.start.timesteps[1:2]
    with torch.no_grad():
        ours, theirs = replace(small.model, off_grid=True)(t, x, small.z), other.model(t, x, other.z)
    if not relative(ours, theirs) <= (FULL if x.dtype.itemsize > 2 and theirs.dtype.itemsize > 2 else HALF):
        raise ValueError("its network depends on the number of sampling steps, so use adjointdeis.pipelines")
