"""Estimates a model's memory from its configuration alone, without its weights.

Under torch's FakeTensorMode an operation gives shapes and storages but no values, so one gradient step of a model of
gigabytes takes seconds and no memory. `MemoryCounter` sums the storages that are alive and keeps the largest sum:

    total(N) = weights + 9 N state + max(one step's gradient, the decoder's gradient)

9 N: the states, and in float64, which takes two states each, the noises, the noises as variables, and the optimiser's
two moments. Attention is counted as the CPU's fused kernel, which stores no attention matrix, as GPU kernels do not
either.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import diffusers
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from studio.models.latents import enable_gradient_checkpointing
from studio.models.placement.placement import Footprint, Placement
from studio.models.registry import Kind

_TEXT = {
    "UNet2DConditionModel": (77, "cross_attention_dim"),
    "SanaTransformer2DModel": (300, "caption_channels"),
}
"""By the class of a text-conditioned denoiser: tokens of a prompt, and the field with the width of their embeddings."""


class MemoryCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all storages that operations created and that are alive; `peak` is the largest count."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.current = self.peak = 0
        self._counted: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, and count the storages of its outputs."""
        out = func(*args, **(kwargs or {}))
        for value in tree_leaves(out):
            if isinstance(value, Tensor):
                self._add(value.untyped_storage())
        self.peak = max(self.peak, self.current)
        return out

    def _add(self, storage: Any) -> None:
        key = storage._cdata
        if key in self._counted:
            return
        self._counted.add(key)
        size = storage.nbytes()
        self.current += size
        weakref.finalize(storage, self._remove, key, size)

    def _remove(self, key: int, size: int) -> None:
        self._counted.discard(key)
        self.current -= size


def footprint(
    kind: Kind, configs: Mapping[str, Mapping[str, Any]], placement: Placement, guided: bool = False
) -> Footprint:
    """The bytes of a model, from its configurations.

    Args:
        kind: of the registry.
        configs: "denoiser" and, for a latent model, "vae": as in config.json, each with its _class_name.
        placement: precision and memory savings; its device is ignored.
        guided: whether classifier-free guidance evaluates two branches a step.
    """
    dtype = torch.float16 if placement.half else torch.float32
    with FakeTensorMode(allow_non_fake_inputs=True):
        shape, z = _inputs(kind, configs["denoiser"])
        weights, step = _denoiser(kind, configs["denoiser"], placement, dtype, guided, shape, z)
        decode = 0
        if "vae" in configs:
            vae_weights, decode = _decoder(configs["vae"], placement, shape)
            weights += vae_weights
    return Footprint(weights, step, decode, 4 * math.prod(shape))


def _denoiser(
    kind: Kind,
    config: Mapping[str, Any],
    placement: Placement,
    dtype: torch.dtype,
    guided: bool,
    shape: tuple[int, ...],
    z: tuple[int, ...] | None,
) -> tuple[int, int]:
    """Bytes of the weights, and of one step with its gradient."""
    network = build_network(config, dtype)
    if placement.checkpointing:
        network.enable_gradient_checkpointing()
    together = placement.batched or kind == "pipeline"  # a pipeline batches its two branches itself
    batch = 2 if guided and together else 1
    x = torch.zeros(batch, *shape, dtype=dtype, requires_grad=True)
    code = None if z is None else torch.zeros(batch, *z, dtype=dtype, requires_grad=True)
    # without a batch one branch's output and gradient are stored while the other is computed
    stored = 4 * x.nbytes if guided and not together else 0
    return _bytes(network), _peak(lambda: _call(kind, network, x, code)) + stored


def _decoder(config: Mapping[str, Any], placement: Placement, shape: tuple[int, ...]) -> tuple[int, int]:
    """Bytes of the autoencoder's weights, and of decoding with its gradient."""
    vae = build_network(config)
    if placement.checkpointing:
        enable_gradient_checkpointing(vae)
    side = max(8, shape[-1] // 2) if placement.sliced else shape[-1]
    latent = torch.zeros(1, shape[0], side, side, requires_grad=True)
    options = {"force_not_quantize": True} if hasattr(vae, "quantize") else {}
    return _bytes(vae), _peak(lambda: vae.decode(latent, **options).sample)


def _peak(call: Callable[[], Tensor]) -> int:
    with MemoryCounter() as counter:
        output = call()
        torch.autograd.backward(output, torch.ones_like(output))
        peak: int = counter.peak
    return peak


def _call(kind: Kind, network: Any, x: Tensor, z: Tensor | None) -> Tensor:
    t = torch.full((len(x),), 500, device=x.device)
    output: Any
    if kind == "pipeline":
        output = network(x, encoder_hidden_states=z, timestep=t)
    elif kind == "labelled":
        output = network(x, timestep=t, class_labels=torch.zeros(len(x), dtype=torch.long))
    elif kind == "diffae":
        return network(t, x, z)  # type: ignore[no-any-return]
    else:
        output = network(x, t)
    return output.sample  # type: ignore[no-any-return]


def _inputs(kind: Kind, config: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    side = int(config.get("sample_size") or config.get("image_size") or 64)
    shape = (int(config.get("in_channels", 3)), side, side)
    if kind == "pipeline":
        name = str(config["_class_name"])
        if name not in _TEXT:
            raise NotImplementedError(f"The memory of a {name} is not estimated.")
        tokens, width = _TEXT[name]
        return shape, (tokens, int(config[width]))
    if kind == "diffae":
        return shape, (int(config["code"]),)
    return shape, None


def build_network(config: Mapping[str, Any], dtype: torch.dtype = torch.float32) -> Any:
    """The network, created with parameters of this dtype, because fake tensors cannot be converted."""
    from studio.models.diffae.network import DiffusionAutoencoder

    name = str(config["_class_name"])
    kind = DiffusionAutoencoder if name == "DiffusionAutoencoder" else getattr(diffusers, name)
    fields = {key: value for key, value in config.items() if not key.startswith("_")}
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return kind.from_config({**fields, "_class_name": name}).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(default)


def _bytes(network: Any) -> int:
    return sum(p.numel() * p.element_size() for p in network.parameters())
