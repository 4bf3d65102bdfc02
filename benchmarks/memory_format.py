"""How much faster are convolutions in channels_last, and compiled? `python -m benchmarks.memory_format`

The embedded model, and UNets with the widths of public models on small states (random weights), one thread, batch 1.
All variants make one call, and one call with its gradient, alternately; printed are the medians, and the median of the
ratios of neighbours. Time is the process's CPU time, so other programs on the machine count little.
"""

from __future__ import annotations

import argparse
import copy
import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.clock import clock
from studio.models.embedded import embedded
from studio.models.placement.configs import CONFIGS
from studio.models.placement.estimate import build_network


class Case(NamedTuple):
    """A network and the arguments of its call; those that are floating point are differentiated."""

    network: nn.Module
    arguments: tuple[Any, ...]


def embedded_case() -> Case:
    model = embedded()
    assert model.prepare is not None
    network: Any = model.network
    x = torch.randn(1, *model.state_shape)
    z = model.encode(x)
    assert z is not None
    return Case(network, (torch.tensor([500]), x, model.prepare(z)))


def unet_case(name: str, side: int) -> Case:
    network = build_network(CONFIGS[name]["denoiser"])
    arguments: tuple[Any, ...] = (torch.randn(1, network.config.in_channels, side, side), torch.tensor([500]))
    if (width := network.config.get("cross_attention_dim")) is not None:
        arguments = (*arguments, torch.randn(1, 77, width))
    return Case(network, arguments)


CASES: dict[str, Callable[[], Case]] = {
    "embedded": embedded_case,
    "ddpm-celebahq, 64 x 64": lambda: unet_case("ddpm-celebahq", 64),
    "ldm-celebahq, 16 x 16": lambda: unet_case("ldm-celebahq", 16),
    "sd-1.5, 16 x 16": lambda: unet_case("sd-1.5", 16),
}


def variants(network: nn.Module, compiled: bool) -> Iterator[tuple[str, nn.Module]]:
    """The network in both memory formats, and compiled in channels_last."""
    network = network.to(memory_format=torch.contiguous_format)
    yield "contiguous", network
    last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    yield "channels_last", last
    if compiled:
        inner = copy.deepcopy(last)
        inner.compile(dynamic=False)
        yield "channels_last, compiled", inner


@torch.no_grad()
def forward(network: nn.Module, arguments: tuple[Any, ...]) -> Tensor:
    return _tensor(network(*arguments))


def forward_backward(network: nn.Module, arguments: tuple[Any, ...]) -> Tensor:
    inputs = [v.detach().requires_grad_(v.is_floating_point()) for v in arguments]
    output = _tensor(network(*inputs))
    gradient: Tensor = torch.autograd.grad(output.square().sum(), [v for v in inputs if v.requires_grad])[0]
    return gradient


def _tensor(output: Any) -> Tensor:
    found: Tensor = output if isinstance(output, Tensor) else output.sample
    return found


def measure(case: Case, repeats: int, compiled: bool = False) -> Iterator[str]:
    """One line a variant and kind of call."""
    networks = dict(variants(case.network, compiled))
    now = clock("cpu")
    for call in (forward, forward_backward):
        first = {name: call(network, case.arguments) for name, network in networks.items()}  # also warms up
        seconds: dict[str, list[float]] = {name: [] for name in networks}
        for _ in range(repeats):
            for name, network in networks.items():
                began = now()
                call(network, case.arguments)
                seconds[name].append(now() - began)
        plain = seconds["contiguous"]
        for name, found in seconds.items():
            ratio = statistics.median(a / b for a, b in zip(plain, found, strict=True))
            off = float((first[name] - first["contiguous"]).norm() / first["contiguous"].norm())
            yield (
                f"{call.__name__}, {name}: {1e3 * statistics.median(found):.1f} ms, {ratio:.2f} times as fast; "
                f"differs by {off:.0e}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*CASES, []], metavar="NAME", help="networks; all by default")
    parser.add_argument("--repeats", type=int, default=20, help="calls of each variant")
    parser.add_argument("--compile", action="store_true", help="also compiled, which takes minutes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.names or CASES:
        torch.manual_seed(0)
        for line in measure(CASES[name](), options.repeats, options.compile):
            print(f"{name}: {line}", flush=True)


if __name__ == "__main__":
    main()
