"""The sampler of a recorded scheduler, and the factor between the network's state and the pipeline's.

Where `schedulers` reads the class, the table is `Sampler.from_scheduler`; where it does not, or where the scheduler's
own steps have no table there, `probe` derives each row from the scheduler's `step`. Euler-like schedulers keep y = x /
alpha and scale it before each call of the network: x_i = s_i y_i. The table is written in x.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

from adjointdeis.probe import probe, scale
from adjointdeis.sampler import Sampler
from adjointdeis.schedulers import SCHEDULERS


class Table(NamedTuple):
    """The sampler, and the factors s_0 and s_N of the first and the last state."""

    sampler: Sampler
    first: float
    last: float


def table(scheduler: Any, timesteps: Tensor, arguments: Mapping[str, Any], sde: bool) -> Table:
    """The table of a scheduler at its first step.

    Args:
        scheduler: recorded before its first step.
        timesteps: those that the pipeline runs through.
        arguments: what the pipeline passes to `step` beside output, time and state.
        sde: SDE-DPM-Solver++(1) on the scheduler's grid, to sigma_min, instead of its own steps.

    Raises:
        NotImplementedError: a scheduler without a table.
    """
    begin = int((scheduler.timesteps.double() - timesteps[0].double()).abs().argmin())
    rest = copy.copy(scheduler)
    rest.timesteps = scheduler.timesteps[begin:]  # a pipeline may start later
    name = type(scheduler).__name__
    first = scale(scheduler, timesteps[0])
    if sde and name not in SCHEDULERS:
        raise NotImplementedError(
            f"sde=True needs the grid of one of {', '.join(sorted(SCHEDULERS))}; the pipeline has {name}. Leave "
            "sde out: "
            "its own steps are used then."
        )
    if sde:
        sampler = Sampler.from_scheduler(rest, sde=True, family="data", final="sigma_min")
        return Table(sampler, first, sampler.grid.alpha[-1] if first != 1 else 1.0)
    eta = arguments.get("eta") or None
    if name in SCHEDULERS and (eta is None or name.startswith("DDIM")):
        try:
            sampler = Sampler.from_scheduler(rest, eta=eta)
            return Table(sampler, first, sampler.grid.alpha[-1] if first != 1 else 1.0)
        except NotImplementedError:
            pass  # its own step may still be linear
    probed = probe(scheduler, arguments, begin)
    return Table(probed.sampler, probed.scales[0], probed.scales[-1])
