"""The measured gradient methods by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from adjointdeis import (
    ContinuousAdjoint,
    DiscreteAdjoint,
    GradientMethod,
    OffTheShelf,
    Reversible,
    SubgridAdjoint,
    Unrolled,
)
from benchmarks.gradients.peers import Clock, Peer, checkpointed, torchdiffeq_ode, torchsde_sde


class Setting(NamedTuple):
    """What a method may depend on: the number of steps, and lambda -> the network's time."""

    steps: int
    time: Clock


class Method(NamedTuple):
    """How to make a gradient method, and whether it is for an SDE sampler."""

    make: Callable[[Setting], GradientMethod | Peer]
    sde: bool = False


METHODS: dict[str, Method] = {
    "Unrolled": Method(lambda _: Unrolled()),
    "DiscreteAdjoint": Method(lambda _: DiscreteAdjoint()),
    "DiscreteAdjoint, 10 states": Method(lambda _: DiscreteAdjoint(checkpoints=10)),
    "DiscreteAdjoint, 1 graph": Method(lambda _: DiscreteAdjoint(graphs=1)),
    "DiscreteAdjoint, graphs auto": Method(lambda _: DiscreteAdjoint(graphs="auto")),
    "DiscreteAdjoint, 256 MiB": Method(lambda _: DiscreteAdjoint(memory_budget=2**28, graphs="auto")),
    "SubgridAdjoint, N/5": Method(lambda s: SubgridAdjoint(max(s.steps // 5, 1))),
    "AdjointDEIS-1": Method(lambda _: ContinuousAdjoint(1)),
    "AdjointDEIS-2M": Method(lambda _: ContinuousAdjoint(2)),
    "AdjointDEIS-1, resolved": Method(lambda _: ContinuousAdjoint(1, trajectory="resolved")),
    "AdjointDEIS-1, M = N/5": Method(lambda s: ContinuousAdjoint(1, steps=max(s.steps // 5, 1))),
    "Reversible": Method(lambda _: Reversible()),
    "OffTheShelf, rk4": Method(lambda s: OffTheShelf("rk4", adjoint=True, time=s.time)),
    "checkpoint per step": Method(lambda _: checkpointed()),
    "checkpoint per step, reentrant": Method(lambda _: checkpointed(reentrant=True)),
    "torchdiffeq euler": Method(lambda s: torchdiffeq_ode("euler", s.time)),
    "torchdiffeq midpoint": Method(lambda s: torchdiffeq_ode("midpoint", s.time)),
    "torchdiffeq dopri5": Method(lambda s: torchdiffeq_ode("dopri5", s.time)),
    "SDE: Unrolled": Method(lambda _: Unrolled(), sde=True),
    "SDE: DiscreteAdjoint": Method(lambda _: DiscreteAdjoint(), sde=True),
    "SDE: DiscreteAdjoint, graphs auto": Method(lambda _: DiscreteAdjoint(graphs="auto"), sde=True),
    "SDE: AdjointDEIS-1": Method(lambda _: ContinuousAdjoint(1), sde=True),
    "SDE: torchsde euler": Method(lambda s: torchsde_sde(s.time), sde=True),
}
