"""What is refused before a pipeline is run: each in a sentence with the cure."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

RESERVED = {
    "latents": "the state is the argument x of the model: draw(generator) gives the first one",
    "generator": "draw(generator) takes it",
    "output_type": "states are latents: decode(latents) gives the image",
    "return_dict": "the pipeline's output is not returned",
    "callback": "a callback may change the latents, and the table would not contain that",
    "callback_on_step_end": "a callback may change the latents, and the table would not contain that",
    "callback_on_step_end_tensor_inputs": "a callback may change the latents, and the table would not contain that",
}
QUANTISED = ("Linear8bitLt", "Linear4bit", "GGUFLinear", "QLinear", "QuantLinear", "Int8Linear", "WQLinear_GEMM")
"""Class names of layers whose weights are quantised: bitsandbytes, GGUF, quanto, GPTQ, AWQ."""


def is_modular(pipe: Any) -> bool:
    """Whether a pipeline is made of blocks."""
    return hasattr(pipe, "_blocks")


def check(pipe: Any, call: Mapping[str, Any], steps: int, wrt: Sequence[str]) -> None:
    """Raises ValueError for a pipeline, or arguments of its call, that cannot be used."""
    name = type(pipe).__name__
    if steps < 1 or int(steps) != steps:
        raise ValueError(f"num_inference_steps must be a positive integer; got {steps!r}.")
    if isinstance(wrt, str) or not wrt:
        raise ValueError(f"wrt must be a tuple of names, such as ('prompt_embeds',); got {wrt!r}.")
    if not is_modular(pipe):
        _check_class(pipe)
    scheduler = getattr(pipe, "scheduler", None)
    if not (hasattr(scheduler, "set_timesteps") and hasattr(scheduler, "step")):
        raise ValueError(
            f"{name} has no usable scheduler: pipe.scheduler is {type(scheduler).__name__}. Set one of "
            "diffusers that has "
            "set_timesteps and step, such as pipe.scheduler = FlowMatchEulerDiscreteScheduler()."
        )
    for argument, reason in RESERVED.items():
        if argument in call:
            raise ValueError(f"Leave {argument} out of the call: {reason}.")
    known = accepted(pipe)
    unknown = [argument for argument in call if argument not in known]
    if unknown and known:
        raise ValueError(f"{name} takes no argument {unknown[0]!r}; it takes {', '.join(sorted(known))}.")
    _check_encoder(pipe, call)
    _check_devices(pipe, call)


def _check_class(pipe: Any) -> None:
    name, function = type(pipe).__name__, type(pipe).__call__
    if not hasattr(function, "__wrapped__") or not hasattr(pipe, "components"):
        raise ValueError(
            "from_pipeline needs a DiffusionPipeline or ModularPipeline of diffusers whose call is wrapped in "
            "no_grad; got "
            f"{name}. Wrap a network by hand: a model is a function net(t, x, z)."
        )
    names = inspect.signature(function).parameters
    if "latents" not in names:
        raise ValueError(f"{name} takes no latents, so no state can be handed to it; use a pipeline that does.")
    if not any("embeds" in argument for argument in names):
        raise ValueError(
            f"{name} takes no embeddings (an argument whose name holds 'embeds'), so nothing can be "
            "differentiated but the "
            "state; wrap its network by hand: a model is a function net(t, x, z)."
        )


def accepted(pipe: Any) -> set[str]:
    """The names of the arguments of a pipeline's call."""
    if is_modular(pipe):
        inputs = pipe._blocks.inputs
        return {found for i in inputs for found in (i.name, i.kwargs_type) if found}
    parameters = inspect.signature(type(pipe).__call__).parameters.values()
    return {p.name for p in parameters if p.kind != p.VAR_KEYWORD and p.name != "self"}


def _check_encoder(pipe: Any, call: Mapping[str, Any]) -> None:
    texts = [name for name in ("prompt", "prompt_2", "prompt_3", "negative_prompt") if call.get(name)]
    encoders = [part for name, part in pipe.components.items() if "text_encoder" in name]
    if texts and encoders and not any(part is not None for part in encoders):
        raise ValueError(
            f"{texts[0]} is text, but the text encoder of this {type(pipe).__name__} is not loaded; pass "
            "prompt_embeds, or "
            "load the pipeline with its text encoder."
        )


def _check_devices(pipe: Any, call: Mapping[str, Any]) -> None:
    device = getattr(pipe, "_execution_device", None)
    if device is None:
        return
    for name, value in call.items():
        for tensor in value if isinstance(value, list | tuple) else [value]:
            if isinstance(tensor, Tensor) and "embeds" in name and tensor.device.type != torch.device(device).type:
                raise ValueError(
                    f"{name} is on {tensor.device}, but {type(pipe).__name__} runs on {device}; move it there."
                )


def no_gradient(pipe: Any, cause: str = "") -> str:
    """The sentence for a network whose output has no gradient."""
    name = type(pipe).__name__
    quantised = sorted(set(_kinds(pipe)) & set(QUANTISED))
    if quantised:
        return (
            f"{name} holds quantised layers ({', '.join(quantised)}) that give no gradient; load its weights in "
            "bfloat16, or "
            "in bitsandbytes 4-bit, which has a gradient."
        )
    if any(kind == "OptimizedModule" for kind in _kinds(pipe)) or cause:
        return (
            f"The network of {name} gives no gradient{f' ({cause})' if cause else ''}: a compiled network needs "
            "its backward "
            "pass; use the uncompiled one (module._orig_mod), or torch.compile without inference mode."
        )
    return (
        f"The network of {name} gives no gradient with respect to its state: part of it runs in no_grad or "
        "inference mode; "
        "load it without the hook or cache that does."
    )


def _kinds(pipe: Any) -> Iterator[str]:
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            yield from (type(module).__name__ for module in part.modules())
