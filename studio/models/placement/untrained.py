"""A pipeline of published configurations without its text encoder, and what it calls its denoiser with in one step."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import diffusers
import torch
from torch import Tensor

from adjointdeis.pipelines.inputs import accepted

Call = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional and named arguments."""
_TEXT = ("text_encoder", "tokenizer", "safety_checker", "feature_extractor", "image_encoder")


class Processor:
    """In place of a text encoder's processor, whose template some pipelines measure when they are made."""

    @property
    def tokenizer(self) -> Processor:
        """Itself."""
        return self

    def apply_chat_template(self, *_: Any, **__: Any) -> list[list[int]]:
        """One token."""
        return [[0]]

    def encode(self, _: str) -> list[int]:
        """One token."""
        return [0]


class _Called(BaseException):
    """Ends a pipeline's call where it calls its denoiser."""


def untrained(configs: Mapping[str, Mapping[str, Any]], denoiser: Any, vae: Any = None) -> Any:
    """The pipeline of a configuration with these networks, and without text encoders.

    Args:
        configs: of `studio.models.placement.configs`, with "pipeline".
        denoiser: its network.
        vae: its autoencoder; without one the pipeline assumes a side of 8 pixels a latent pixel.
    """
    given = configs["pipeline"]
    kind: Any = getattr(diffusers, given["_class_name"])
    names = inspect.signature(kind.__init__).parameters
    parts: dict[str, Any] = {name: None for name in names if name.startswith(_TEXT)}
    parts["unet" if "unet" in names else "transformer"] = denoiser
    others = {"is_distilled": True, "requires_safety_checker": False, "processor": Processor()}
    parts |= {name: value for name, value in others.items() if name in names}
    pipe = kind(**parts, vae=vae, scheduler=getattr(diffusers, given["scheduler"])())
    pipe.set_progress_bar_config(disable=True)
    return pipe


def call_of(
    pipe: Any, configs: Mapping[str, Mapping[str, Any]], size: int, guidance: float | None = None, guided: bool = False
) -> dict[str, Any]:
    """The arguments of a call: random embeddings of the published shapes, size and guidance.

    Args:
        pipe: of `untrained`.
        configs: its configuration.
        size: side of the image in pixels.
        guidance: its scale, if it is not the pipeline's default.
        guided: whether there is a negative prompt.
    """
    names = accepted(pipe)
    found: dict[str, Any] = {"height": size, "width": size, "num_frames": 1, "use_resolution_binning": False}
    found["use_kv_cache"] = False
    if guidance is not None:
        found |= {"guidance_scale": guidance, "true_cfg_scale": guidance}
    for name, shape in configs["pipeline"]["embeddings"].items():
        found[name] = _embedding(pipe, name, shape)
        if guided:
            found[f"negative_{name}"] = _embedding(pipe, name, shape)
    if guided and "negative_prompt_embeds" in names:
        found["negative_prompt"] = None
    return {name: value for name, value in found.items() if name in names}


def denoiser_call(pipe: Any, call: Mapping[str, Any]) -> Call:
    """The arguments with which the pipeline first calls its denoiser."""
    network = getattr(pipe, "transformer", None) or pipe.unet
    found: list[Call] = []

    def end(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        found.append((given, named))
        raise _Called

    hook = network.register_forward_pre_hook(end, with_kwargs=True)
    try:
        pipe(**call, num_inference_steps=2)
    except _Called:
        pass
    finally:
        hook.remove()
    return found[0]


def _embedding(pipe: Any, name: str, shape: Any) -> Any:
    """A mask is of ones, [(tokens, width)] is a list of one prompt, others are tensors of one prompt."""
    if isinstance(shape, list):
        return [_embedding(pipe, name, shape[0])[0]]
    network = getattr(pipe, "transformer", None) or pipe.unet
    device = next(network.parameters()).device
    if "mask" in name:
        return torch.ones(1, *shape, device=device, dtype=torch.bool)
    embedding: Tensor = torch.randn(1, *shape, device=device).to(network.dtype)
    return embedding
