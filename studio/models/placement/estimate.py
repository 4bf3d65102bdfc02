"""How much memory a model takes, measured from its configuration alone: the network is built without any numbers.

Under torch's FakeTensorMode every operation yields shapes and storages but no values, so one gradient step of a model
of gigabytes takes seconds and no memory. `Live` adds up the storages that are alive and keeps the highest sum:

    total(N) = weights + 5 N state + max(one step's gradient, the decoder's gradient)

"5 N": states and noises, the noises as variables, and the optimiser's two moments. Attention is counted as the fused
kernel that a CPU has, which keeps no table of weights, as those of GPUs do not.
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

from studio.models.latents import save_memory
from studio.models.placement.placement import Footprint, Placement
from studio.models.registry import Kind


class Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all storages that operations made and that are still alive; `most` is the highest count."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation, and watch what it made."""
        out = func(*args, **(kwargs or {}))
        for value in tree_leaves(out):
            if isinstance(value, Tensor):
                self._saw(value.untyped_storage())
        self.most = max(self.most, self.now)
        return out

    def _saw(self, storage: Any) -> None:
        key = storage._cdata
        if key in self._known:
            return
        self._known.add(key)
        size = storage.nbytes()
        self.now += size
        weakref.finalize(storage, self._lost, key, size)

    def _lost(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def footprint(kind: Kind, configs: Mapping[str, Mapping[str, Any]], held: Placement, guided: bool = False) -> Footprint:
    """The bytes of a model from its configurations.

    Args:
        kind: of the registry.
        configs: "denoiser" and, for a latent model, "vae": as in config.json, each with its _class_name.
        held: precision and ways of saving memory; its device plays no part.
        guided: whether there are two branches a step.
    """
    dtype = torch.float16 if held.half else torch.float32
    with FakeTensorMode(allow_non_fake_inputs=True):
        shape, z = _inputs(kind, configs["denoiser"])
        weights, step = _denoiser(kind, configs["denoiser"], held, dtype, guided, shape, z)
        decode = 0
        if "vae" in configs:
            more, decode = _decoder(configs["vae"], held, shape)
            weights += more
    return Footprint(weights, step, decode, 4 * math.prod(shape))


def _denoiser(
    kind: Kind,
    config: Mapping[str, Any],
    held: Placement,
    dtype: torch.dtype,
    guided: bool,
    shape: tuple[int, ...],
    z: tuple[int, ...] | None,
) -> tuple[int, int]:
    """Bytes of the weights, and of one step."""
    network = _built(config, dtype)
    if held.again:
        network.enable_gradient_checkpointing()
    batch = 2 if guided and held.together else 1
    x = torch.zeros(batch, *shape, dtype=dtype, requires_grad=True)
    code = None if z is None else torch.zeros(batch, *z, dtype=dtype, requires_grad=True)
    waiting = 4 * x.nbytes if guided and not held.together else 0  # one branch's output and gradient, for the other's
    return _bytes(network), _most(lambda: _call(kind, network, x, code)) + waiting


def _decoder(config: Mapping[str, Any], held: Placement, shape: tuple[int, ...]) -> tuple[int, int]:
    """Bytes of the autoencoder's weights, and of decoding with its gradient."""
    vae = _built(config)
    if held.again:
        save_memory(vae)
    side = max(8, shape[-1] // 2) if held.sliced else shape[-1]
    latent = torch.zeros(1, shape[0], side, side, requires_grad=True)
    how = {"force_not_quantize": True} if hasattr(vae, "quantize") else {}
    return _bytes(vae), _most(lambda: vae.decode(latent, **how).sample)


def _most(call: Callable[[], Tensor]) -> int:
    with Live() as live:
        output = call()
        torch.autograd.backward(output, torch.ones_like(output))
        most: int = live.most
    return most


def _call(kind: Kind, network: Any, x: Tensor, z: Tensor | None) -> Tensor:
    t = torch.full((len(x),), 500, device=x.device)
    output: Any
    if kind == "prompted":
        output = network(x, t, encoder_hidden_states=z)
    elif kind == "flow":
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
    if kind == "prompted":
        return shape, (77, int(config["cross_attention_dim"]))
    if kind == "flow":
        return shape, (300, int(config["caption_channels"]))
    if kind == "diffae":
        return shape, (int(config["code"]),)
    return shape, None


def _built(config: Mapping[str, Any], dtype: torch.dtype = torch.float32) -> Any:
    """The network with parameters of a dtype from the start: fake ones cannot be converted."""
    from studio.models.diffae.network import DiffusionAutoencoder

    name = str(config["_class_name"])
    kind = DiffusionAutoencoder if name == "DiffusionAutoencoder" else getattr(diffusers, name)
    known = {key: value for key, value in config.items() if not key.startswith("_")}
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return kind.from_config({**known, "_class_name": name}).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(before)


def _bytes(network: Any) -> int:
    return sum(p.numel() * p.element_size() for p in network.parameters())
