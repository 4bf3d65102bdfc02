"""The measured samplers and gradient methods, with their stated orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adjointdeis import (
    ContinuousAdjoint,
    DiscreteAdjoint,
    GradientMethod,
    LinearVP,
    OffTheShelf,
    Reversible,
    SubgridAdjoint,
    Unrolled,
)

CLOCK = LinearVP().time

# name, arguments of Sampler.from_grid, stated order
SAMPLERS: dict[str, tuple[dict[str, Any], float]] = {
    "DDIM = DPM-Solver-1": ({}, 1),
    "DPM-Solver-2M": ({"order": 2}, 2),
    "DEIS-2": ({"order": 2, "multistep": "exact"}, 2),
    "DPM-Solver++(2M)": ({"order": 2, "family": "data"}, 2),
    "DPM-Solver++(2M), exact": ({"order": 2, "family": "data", "multistep": "exact"}, 2),
    "UniPC-1": ({"family": "data", "multistep": "unipc-bh2"}, 2),
    "UniPC-2": ({"order": 2, "family": "data", "multistep": "unipc-bh2"}, 3),
    "flow, Euler": ({"family": "flow"}, 1),
    "flow, Adams-Bashforth 2": ({"order": 2, "family": "flow"}, 2),
    "SDE-DPM-Solver-1": ({"sde": True}, 1),
    "SDE-DPM-Solver++(1)": ({"sde": True, "family": "data"}, 1),
    "SDE-DPM-Solver++(2M)": ({"sde": True, "family": "data", "order": 2}, 1),
}

# name, method (or method by N), arguments of the sampler it differentiates, stated order
METHODS: dict[str, tuple[GradientMethod | Callable[[int], GradientMethod], dict[str, Any], float]] = {
    "Unrolled, DDIM": (Unrolled(), {}, 1),
    "DiscreteAdjoint, DDIM": (DiscreteAdjoint(), {}, 1),
    "DiscreteAdjoint, DPM-Solver-2M": (DiscreteAdjoint(), {"order": 2}, 2),
    "DiscreteAdjoint, DEIS-2": (DiscreteAdjoint(), {"order": 2, "multistep": "exact"}, 2),
    "DiscreteAdjoint, DPM-Solver++(2M)": (DiscreteAdjoint(), {"order": 2, "family": "data"}, 2),
    "DiscreteAdjoint, UniPC-2": (DiscreteAdjoint(), SAMPLERS["UniPC-2"][0], 3),
    "SubgridAdjoint, M = N / 2, DDIM": (lambda n: SubgridAdjoint(n // 2), {}, 1),
    "AdjointDEIS-1 over DDIM": (ContinuousAdjoint(order=1), {}, 1),
    "AdjointDEIS-2M over DDIM": (ContinuousAdjoint(order=2), {}, 1),
    "AdjointDEIS-2M over DPM-Solver-2M": (ContinuousAdjoint(order=2), {"order": 2}, 2),
    "Reversible, coupling 1": (Reversible(1.0), {}, 1),
    "Reversible, coupling 0.97": (Reversible(), {}, 1),
    "OffTheShelf, Euler": (OffTheShelf("euler", time=CLOCK), {}, 1),
    "OffTheShelf, midpoint": (OffTheShelf("midpoint", time=CLOCK), {}, 2),
    "OffTheShelf, rk4": (OffTheShelf("rk4", time=CLOCK), {}, 4),
    "OffTheShelf, midpoint, adjoint": (OffTheShelf("midpoint", adjoint=True, time=CLOCK), {}, 2),
}
