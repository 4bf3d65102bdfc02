"""Estimates a model's memory from its configuration alone, without its weights.

Under torch's FakeTensorMode an operation gives shapes and storages but no values, so one gradient step of a model of
gigabytes takes seconds and no memory. `MemoryCounter` sums the storages that are alive and keeps the largest sum:

    total(N) = weights + 9 N state + max(one step's gradient, the decoder's gradient)

9 N: the states, and in float64, which takes two states each, the noises, the noises as variables, and the optimiser's
two moments. Attention is counted as the CPU's fused kernel, which stores no attention matrix, as GPU kernels do not
either. A transformer is computed with two and three blocks of each kind, because memory and operations are linear in
their number. The network of a pipeline with prompts is called as the pipeline calls it.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import diffusers
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.flop_counter import FlopCounterMode

from studio.models.catalogue.registry import Kind
from studio.models.networks.latents import enable_gradient_checkpointing
from studio.models.placement.configs import Configs
from studio.models.placement.placement import Footprint, Placement
from studio.models.placement.untrained import call_of, denoiser_call, untrained

_DEPTHS = ("num_layers", "num_single_layers", "n_layers")
"""Fields with the numbers of a transformer's blocks."""


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


class Indices(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Computes integers and masks whose values are given, as shapes depend on them, within a FakeTensorMode."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation; with values, if neither an input nor the output is of floating point or without values."""
        given = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
        if any(map(_is_unknown, given)):
            if func is torch.ops.aten.index.Tensor:
                args = args[0], _positions(args[1])
            return func(*args, **(kwargs or {}))
        if not given:
            out = func(*args, **(kwargs or {}))
            if not isinstance(out, Tensor) or out.is_floating_point():
                return out
        with unset_fake_temporarily():
            return func(*args, **(kwargs or {}))


def _positions(indices: list[Tensor | None]) -> list[Tensor | None]:
    """Indices with positions in place of masks whose values are given."""
    found: list[Tensor | None] = []
    for index in indices:
        if index is not None and index.dtype == torch.bool and not _is_unknown(index):
            with unset_fake_temporarily():
                found += index.nonzero().unbind(1)
        else:
            found.append(index)
    return found


def _is_unknown(value: Tensor) -> bool:
    return isinstance(value, FakeTensor) or value.is_floating_point()


def footprint(kind: Kind, configs: Configs, placement: Placement, guided: bool = False) -> Footprint:
    """The footprint of one placement; for the arguments see `Estimate`."""
    return Estimate(kind, configs, guided).footprint(placement)


class Estimate:
    """The bytes of a model, and the operations of a step, from its configurations.

    Args:
        kind: of the registry.
        configs: "denoiser", for a latent model "vae", each as in config.json with its _class_name, and for a pipeline
            with prompts "pipeline", as in `studio.models.placement.configs`.
        guided: whether classifier-free guidance evaluates two branches a step.
        size: side of a pipeline's images in pixels.
        guidance: the scale of a pipeline's guidance, if it is not its default.
    """

    def __init__(
        self, kind: Kind, configs: Configs, guided: bool = False, size: int = 0, guidance: float | None = None
    ) -> None:
        self.kind, self.configs, self.guided, self.size, self.guidance = kind, configs, guided, size, guidance
        self._steps: dict[tuple[bool, ...], tuple[int, int]] = {}
        self._decoders: dict[tuple[bool, ...], tuple[int, int]] = {}
        self._shape: tuple[int, ...] = ()

    def footprint(self, placement: Placement) -> Footprint:
        """The footprint of one placement; its device is ignored."""
        batched = placement.batched or self.kind == "pipeline"  # a pipeline batches its two branches itself
        key = placement.half, placement.checkpointing, batched
        if key not in self._steps:
            self._steps[key] = self._step(*key)
        weights = parameters(self.configs["denoiser"]) * (2 if placement.half else 4)
        decode = 0
        if "vae" in self.configs:
            other = placement.checkpointing, placement.sliced
            if other not in self._decoders:
                with FakeTensorMode(allow_non_fake_inputs=True):
                    self._decoders[other] = _decoder(self.configs["vae"], placement, self._shape)
            more, decode = self._decoders[other]
            weights += more
        peak, operations = self._steps[key]
        return Footprint(weights, peak, decode, 4 * math.prod(self._shape), operations)

    def _step(self, half: bool, checkpointing: bool, batched: bool) -> tuple[int, int]:
        dtype, config = torch.float16 if half else torch.float32, self.configs["denoiser"]
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        if self.kind == "pipeline":
            self._shape, calls = self._pipeline_calls(dtype, mode)
        else:
            with mode:
                self._shape, calls = _calls(self.kind, config, dtype, self.guided and batched)
        with mode, Indices():  # type: ignore[no-untyped-call]
            peak, operations = _at_depth(config, lambda some: _step(build_network(some, dtype), checkpointing, calls))
        if self.guided and not batched:
            # one branch's output and gradient are stored while the other is computed
            return peak + 4 * math.prod(self._shape) * dtype.itemsize, 2 * operations
        return peak, operations

    def _pipeline_calls(self, dtype: torch.dtype, mode: FakeTensorMode) -> tuple[tuple[int, ...], list[Any]]:
        """The shape of a latent image, and the calls of the denoiser in a step."""
        few = self.configs["denoiser"]
        if "dual_attention_layers" not in few:
            few = {**few, **{name: 1 for name in _DEPTHS if name in few}}
        with mode:
            network, vae = build_network(few, dtype), build_network(self.configs["vae"])
        pipe = untrained(self.configs, network, vae)
        call = denoiser_call(pipe, call_of(pipe, self.configs, self.size, self.guidance, self.guided))
        batch = max(len(value) for value in tree_leaves(call) if isinstance(value, Tensor) and value.dim() > 1)
        factor = getattr(pipe, "vae_scale_factor", None) or pipe.vae_scale_factor_spatial
        channels = vae.config.get("latent_channels") or vae.config.z_dim
        shape = (channels, self.size // factor, self.size // factor)
        return shape, [call] * (2 if self.guided and batch == 1 else 1)


def parameters(config: Mapping[str, Any]) -> int:
    """The number of a network's parameters."""
    with torch.device("meta"):
        return sum(p.numel() for p in build_network(config).parameters())


def _at_depth(config: Mapping[str, Any], measure: Callable[[Mapping[str, Any]], tuple[int, int]]) -> tuple[int, int]:
    """What is measured of a network, extrapolated from few blocks of each kind if all of a kind are alike."""
    fields = {name: config[name] for name in _DEPTHS if config.get(name, 0) > 3}
    if not fields or "dual_attention_layers" in config:
        return measure(config)
    base = {**config, **dict.fromkeys(fields, 2)}
    least = measure(base)
    found = list(least)
    for name, depth in fields.items():
        more = measure({**base, name: 3})
        found = [total + (depth - 2) * (b - a) for total, a, b in zip(found, least, more, strict=True)]
    return found[0], found[1]


def _step(network: Any, checkpointing: bool, calls: list[Any]) -> tuple[int, int]:
    """Bytes of one step with its gradient, and floating-point operations without it."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        for call in calls:
            _call(network, call)
    if checkpointing:
        network.enable_gradient_checkpointing()
    return _peak(lambda: [_call(network, call) for call in calls]), counter.get_total_flops()


def _call(network: Any, call: Any) -> Tensor:
    given, named = tree_map(_leaf, call)
    return next(value for value in tree_leaves(network(*given, **named)) if isinstance(value, Tensor))


def _leaf(value: Any) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point():
        return torch.zeros(value.shape, dtype=value.dtype, requires_grad=torch.is_grad_enabled())
    return value


def _decoder(config: Mapping[str, Any], placement: Placement, shape: tuple[int, ...]) -> tuple[int, int]:
    """Bytes of the autoencoder's weights, and of decoding with its gradient."""
    vae = build_network(config)
    if placement.checkpointing:
        enable_gradient_checkpointing(vae)
    side = max(8, shape[-1] // 2) if placement.sliced else shape[-1]
    frames = (1,) if hasattr(vae.config, "temperal_downsample") else ()  # of a video
    latent = torch.zeros(1, shape[0], *frames, side, side, requires_grad=True)
    options = {"force_not_quantize": True} if hasattr(vae, "quantize") else {}
    return _bytes(vae), _peak(lambda: [vae.decode(latent, **options).sample])


def _peak(call: Callable[[], list[Tensor]]) -> int:
    with MemoryCounter() as counter:
        outputs = call()
        torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])
        peak: int = counter.peak
    return peak


def _calls(
    kind: Kind, config: Mapping[str, Any], dtype: torch.dtype, doubled: bool
) -> tuple[tuple[int, ...], list[Any]]:
    """The shape of a state of a model without prompts, and the call of its denoiser."""
    side = int(config.get("sample_size") or config.get("image_size") or 64)
    shape, batch = (int(config.get("in_channels", 3)), side, side), 2 if doubled else 1
    x, t = torch.zeros(batch, *shape, dtype=dtype), torch.full((batch,), 500)
    if kind == "diffae":
        return shape, [((t, x, torch.zeros(batch, int(config["code"]), dtype=dtype)), {})]
    if kind == "labelled":
        return shape, [((x,), {"timestep": t, "class_labels": torch.zeros(batch, dtype=torch.long)})]
    return shape, [((x, t), {})]


def build_network(config: Mapping[str, Any], dtype: torch.dtype = torch.float32) -> Any:
    """The network, created with parameters of this dtype, because fake tensors cannot be converted."""
    from studio.models.networks.diffae.network import DiffusionAutoencoder

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
