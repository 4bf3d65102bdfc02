"""`compile_denoiser`: a model's denoiser compiled by torch, for the inputs of a run; eager for all others.

Compilation takes minutes the first time. Later starts read torch's cache (TORCHINDUCTOR_CACHE_DIR). It happens here,
before the first run or on a copy (`compiled_copy`), and never during a run: after it, inputs of another shape are
computed eagerly. So one kind of input always takes the same path, and results are the same bit for bit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from adjointdeis import DiscreteAdjoint, Sampler, encode, prepared
from studio.core.errors import log
from studio.models.interface import Model

_STEPS = 3


def compile_denoiser(model: Model, backend: str | Callable[..., Any] = "inductor") -> str:
    """Compile a model's denoiser, in place.

    Args:
        model: a loaded model.
        backend: of torch.compile.

    Returns:
        Why the denoiser stays eager; empty if it is compiled.
    """
    network = denoiser_of(model)
    if network is None:
        return "its denoiser is no torch module"
    torch.compiler.set_stance("default")  # an earlier model may have left another one
    try:
        _compile(network, backend=backend, dynamic=False)
        for sde in (True, False):
            _call(model, sde)
    except Exception as error:  # of torch's compiler, or of the compiler of the system
        log.warning("The denoiser cannot be compiled", exc_info=error)
        torch.compiler.set_stance("force_eager")
        cause = getattr(error, "inner_exception", error)
        return str(cause).strip().partition("\n")[0].rstrip(".") or type(cause).__name__
    torch.compiler.set_stance("eager_on_recompile")
    return ""


def may_be_copied(model: Model) -> bool:
    """Whether `compiled_copy` works: the network is a module in no wrapper, and is not compiled block by block."""
    return isinstance(model.network, nn.Module) and not _blocks(model.network)


def compiled_copy(model: Model, backend: str | Callable[..., Any] = "inductor") -> Model | str:
    """The model with a compiled denoiser of the same weights, or why there is none.

    `model` stays as it is, and other threads may use it meanwhile.

    Args:
        model: one that `may_be_copied`.
        backend: of torch.compile.
    """
    found = replace(model, network=copy.copy(model.network))
    return compile_denoiser(found, backend) or found


def _blocks(network: Any) -> Any:
    """The names of a transformer's blocks, which are alike; empty for other networks."""
    return "Transformer" in type(network).__name__ and getattr(network, "_repeated_blocks", None)


def _compile(network: Any, **how: Any) -> None:
    """Compile a network; of a transformer its blocks, which are alike, so that one compilation serves all."""
    (network.compile_repeated_blocks if _blocks(network) else network.compile)(**how)


def denoiser_of(model: Model) -> nn.Module | None:
    """The torch module in the wrappers for guidance and precision; None if there is none."""
    network: Any = model.network
    while not isinstance(network, nn.Module) and hasattr(network, "model"):
        network = network.model
    network = getattr(network, "denoiser", network)  # of a pipeline
    return network if isinstance(network, nn.Module) else None


def _call(model: Model, sde: bool) -> None:
    """The calls of a run: encoding, and an update of the noises (SDE) or x_T, and z."""
    scheduler = model.scheduler()
    scheduler.set_timesteps(_STEPS)
    sampler = Sampler.from_scheduler(scheduler, sde=sde, family="data", final="sigma_min" if sde else "scheduler")
    image = torch.zeros(1, 3, model.size, model.size, device=model.device)
    with torch.no_grad():
        z = model.encode(image)
    state, code = model.encode_latents(image), prepared(model.prepare, z)
    x_T, noises = encode(model.network, sampler, state, code, torch.Generator().manual_seed(0))
    wrt = ("noises" if sde else "x_T", *(() if z is None else ("z",)))
    gradient = DiscreteAdjoint(graphs=model.graphs)
    gradient.value_and_grad(model.network, sampler, x_T, code, _mean, noises, wrt=wrt)


def _mean(state: Tensor) -> Tensor:
    return state.flatten(1).mean(1)
