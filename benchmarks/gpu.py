"""How close is an update to its floor on a GPU? `python -m benchmarks.gpu`, in less than five minutes

The denoisers of public models at full size, with random weights built from their published configurations in bfloat16
(the embedded model: its own weights in float32), each in its pipeline with its guidance.

    floor    N (network call) + N (network call with its gradient), of the bare denoiser
    ours     one gradient of DiscreteAdjoint by x_T and z: N sampling steps, and N steps back
    memory   the most that is allocated during ours

Without a GPU nothing is measured. --compile compiles the denoisers, or the repeated blocks of transformers.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, NamedTuple

import diffusers
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from adjointdeis import DiscreteAdjoint, Sampler
from adjointdeis.pipelines import from_pipeline
from adjointdeis.sample import call
from benchmarks.tiny_pipelines import NO_CHECKER, no_text
from studio.models.embedded import embedded
from studio.models.placement.configs import CONFIGS
from studio.models.placement.estimate import build_network
from studio.models.placement.placement import use_tensor_cores

REPEATS = 3


class Case(NamedTuple):
    """A model at N steps: net(t, x, z), its denoiser, its table, x_T and z."""

    network: Callable[[Tensor, Tensor, Any], Tensor]
    denoiser: torch.nn.Module
    sampler: Sampler
    x_T: Tensor
    z: Any


class Result(NamedTuple):
    """Seconds and bytes."""

    floor: float
    ours: float
    memory: int


_XL = {
    "_class_name": "UNet2DConditionModel",
    "sample_size": 128,
    "cross_attention_dim": 2048,
    "attention_head_dim": (5, 10, 20),
    "use_linear_projection": True,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
_SD3 = {
    "_class_name": "SD3Transformer2DModel",
    "num_layers": 24,
    "num_attention_heads": 24,
    "attention_head_dim": 64,
    "joint_attention_dim": 4096,
    "caption_projection_dim": 1536,
    "pos_embed_max_size": 384,
    "dual_attention_layers": tuple(range(13)),
    "qk_norm": "rms_norm",
}
_KLEIN = {
    "_class_name": "Flux2Transformer2DModel",
    "num_layers": 5,
    "num_single_layers": 20,
    "num_attention_heads": 24,
    "joint_attention_dim": 7680,
    "guidance_embeds": False,
}


def sd_15(config: Mapping[str, Any] = CONFIGS["sd-1.5"]["denoiser"], side: int = 512, steps: int = 20) -> Case:
    unet, scheduler = _network(config), _made("DDIMScheduler", clip_sample=False)
    pipe = _made("StableDiffusionPipeline", vae=None, unet=unet, scheduler=scheduler, **NO_CHECKER, **no_text())
    return _case(pipe, unet, side, steps, 77, unet.config.cross_attention_dim)


def sdxl(config: Mapping[str, Any] = _XL, side: int = 1024, steps: int = 4) -> Case:
    unet, scheduler = _network(config), _made("DDIMScheduler", clip_sample=False)
    pipe = _made("StableDiffusionXLPipeline", vae=None, unet=unet, scheduler=scheduler, **no_text(2))
    pooled = unet.config.projection_class_embeddings_input_dim - 6 * unet.config.addition_time_embed_dim
    return _case(pipe, unet, side, steps, 77, unet.config.cross_attention_dim, pooled)


def sd_35_medium(config: Mapping[str, Any] = _SD3, side: int = 1024, steps: int = 4) -> Case:
    net = _network(config)
    scheduler = _made("FlowMatchEulerDiscreteScheduler", shift=3.0)
    pipe = _made("StableDiffusion3Pipeline", vae=None, transformer=net, scheduler=scheduler, **no_text(3))
    return _case(pipe, net, side, steps, 333, net.config.joint_attention_dim, net.config.pooled_projection_dim)


def flux2_klein(config: Mapping[str, Any] = _KLEIN, side: int = 1024, steps: int = 4) -> Case:
    net = _network(config)
    scheduler = _made("FlowMatchEulerDiscreteScheduler", use_dynamic_shifting=True)
    pipe = _made("Flux2KleinPipeline", vae=None, transformer=net, scheduler=scheduler, is_distilled=True, **no_text())
    return _case(pipe, net, side, steps, 512, net.config.joint_attention_dim)


def embedded_case(steps: int = 8) -> Case:
    model = embedded(device())
    network: Any = model.network
    scheduler = model.scheduler()
    scheduler.set_timesteps(steps)
    x = torch.randn(1, *model.state_shape, device=model.device)
    return Case(network, network, Sampler.from_scheduler(scheduler), x, model.encode(x))


CASES: dict[str, Callable[[], Case]] = {
    "embedded, N = 8": embedded_case,
    "sd-1.5, 512 px, N = 20": sd_15,
    "sdxl, 1024 px, N = 4": sdxl,
    "sd-3.5 medium, 1024 px, N = 4": sd_35_medium,
    "flux.2-klein, 1024 px, N = 4": flux2_klein,
}


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _made(name: str, **arguments: Any) -> Any:
    return getattr(diffusers, name)(**arguments)


def _network(config: Mapping[str, Any]) -> Any:
    with device():
        network = build_network(config, torch.bfloat16 if device().type == "cuda" else torch.float32)
    return network.to(memory_format=torch.channels_last) if "UNet" in type(network).__name__ else network


def _case(pipe: Any, denoiser: Any, side: int, steps: int, tokens: int, width: int, pooled: int = 0) -> Case:
    pipe.set_progress_bar_config(disable=True)
    shapes = {"prompt_embeds": (1, tokens, width), "pooled_prompt_embeds": (1, pooled)}
    given: dict[str, Any] = {name: _random(*shape) for name, shape in shapes.items() if shape[-1]}
    if not pipe.config.get("is_distilled"):
        given |= {f"negative_{name}": value.clone() for name, value in given.items()}
    m = from_pipeline(pipe, num_inference_steps=steps, height=side, width=side, **given)
    return Case(m.model, denoiser, m.sampler, m.draw().float(), m.z)


def _random(*shape: int) -> Tensor:
    return torch.randn(shape, device=device(), dtype=torch.bfloat16 if device().type == "cuda" else torch.float32)


def measure(case: Case, compiled: bool = False) -> Result:
    """Floor, ours and memory of a case; each the best of `REPEATS`, after one for warming up."""
    if compiled:
        case.denoiser.compile(dynamic=False)
    given, named = recorded(case)
    n = case.sampler.steps

    def forward() -> Any:
        with torch.no_grad():
            return case.denoiser(*given, **named)

    def backward() -> None:
        arguments, options = pytree.tree_map(_leaf, (given, named))
        output = case.denoiser(*arguments, **options)
        outputs = [value for value in pytree.tree_leaves(output) if value.requires_grad]
        torch.autograd.backward(outputs, [torch.ones_like(value) for value in outputs])

    def ours() -> None:
        DiscreteAdjoint().value_and_grad(
            case.network, case.sampler, case.x_T, case.z, lambda x: x.square().flatten(1).mean(1)
        )

    floor = n * seconds(forward) + n * seconds(backward)
    if device().type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    taken = seconds(ours)
    return Result(floor, taken, torch.cuda.max_memory_allocated() if device().type == "cuda" else 0)


def recorded(case: Case) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the denoiser is called with in one step."""
    found: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    hook = case.denoiser.register_forward_pre_hook(
        lambda _, given, named: found.append((given, named)), with_kwargs=True
    )
    try:
        with torch.no_grad():
            call(case.network, case.sampler.grid.times[0], case.x_T, case.z)
    finally:
        hook.remove()
    return found[0]


def seconds(work: Callable[[], Any]) -> float:
    """The shortest of some runs."""
    return min([_timed(work) for _ in range(1 + REPEATS)][1:])


def _timed(work: Callable[[], Any]) -> float:
    _wait()
    began = perf_counter()
    work()
    _wait()
    return perf_counter() - began


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _leaf(value: Any) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.detach().requires_grad_()
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compile", action="store_true", help="compile the denoisers, which takes minutes more")
    options = parser.parse_args()
    if device().type == "cpu":
        print("There is no GPU here, so nothing is measured.")
        return
    use_tensor_cores(device())
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    print("| model | floor | ours | ratio | memory |\n|---|---|---|---|---|")
    for name, make in CASES.items():
        found = measure(make(), options.compile)
        ratio, memory = found.ours / found.floor, found.memory / 2**30
        print(f"| {name} | {found.floor:.2f} s | {found.ours:.2f} s | {ratio:.2f} | {memory:.1f} GiB |", flush=True)
        gc.collect()
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
