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
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from adjointdeis import DiscreteAdjoint, Sampler
from adjointdeis.pipelines import from_pipeline
from adjointdeis.sample import call
from studio.models.catalogue.registry import ENTRIES
from studio.models.embedded import embedded
from studio.models.placement.configs import CONFIGS, Configs
from studio.models.placement.estimate import build_network
from studio.models.placement.placement import use_tensor_cores
from studio.models.placement.untrained import call_of, untrained

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


def pipeline_case(name: str, steps: int, configs: Configs | None = None, side: int = 0) -> Case:
    """A pipeline of the registry, from its published configuration or another one."""
    configs = configs or CONFIGS[name]
    denoiser = _network(configs["denoiser"])
    pipe = untrained(configs, denoiser)
    call = call_of(pipe, configs, side or ENTRIES[name].size, guided=not pipe.config.get("is_distilled"))
    m = from_pipeline(pipe, num_inference_steps=steps, **call)
    return Case(m.model, denoiser, m.sampler, m.draw().float(), m.z)


def embedded_case(steps: int = 8) -> Case:
    model = embedded(device())
    network: Any = model.network
    scheduler = model.scheduler()
    scheduler.set_timesteps(steps)
    x = torch.randn(1, *model.state_shape, device=model.device)
    return Case(network, network, Sampler.from_scheduler(scheduler), x, model.encode(x))


CASES: dict[str, Callable[[], Case]] = {
    "embedded, N = 8": embedded_case,
    "sd-1.5, 512 px, N = 20": partial(pipeline_case, "sd-1.5", 20),
    "sdxl, 1024 px, N = 4": partial(pipeline_case, "sdxl", 4),
    "sd-3.5-medium, 1024 px, N = 4": partial(pipeline_case, "sd-3.5-medium", 4),
    "flux.2-klein, 1024 px, N = 4": partial(pipeline_case, "flux.2-klein", 4),
}


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _network(config: Mapping[str, Any]) -> Any:
    with device():
        network = build_network(config, torch.bfloat16 if device().type == "cuda" else torch.float32)
    return network.to(memory_format=torch.channels_last) if "UNet" in type(network).__name__ else network


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
