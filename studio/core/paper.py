"""Runs of the paper: the settings of its tables and statements, as far as the embedded model can run them live.

The one table that the page, the command line (`--preset`) and docs/page.md read. What a run does not name stays as the
person set it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from studio.core.goals import Tab, Values
from studio.core.presets import PRESETS


@dataclass(frozen=True)
class PaperRun:
    """One run.

    Args:
        name: for the command line.
        tab: where it is run.
        label: its place in the paper, and what it is.
        shows: what to do and to look at, in one sentence.
        values: of settings.
        methods: the gradient methods of a comparison.
    """

    name: str
    tab: Tab
    label: str
    shows: str
    values: Values
    methods: tuple[str, ...] = ()


_MORPH: Values = {
    **PRESETS["Paper"], "gradient": "adjoint_1", "optimiser": "sgd", "variables": "both", "z_rate": 0.1,
    "noise_rate": 0.1, "closeness": 0.0,
}  # fmt: skip
_STEER: Values = {**PRESETS["Paper"], "variables": "both"}
_COMPARE: Values = {
    "mode": "ode", "sampling_steps": 20, "noise_level": 1.0, "optimisation_steps": 2, "variables": "both"
}  # fmt: skip
_MORPHED = "Press Morph: the bars show which face networks accept the morph as both people."

_RUNS = (
    PaperRun(
        "cycle-sde", "steer", "Cycle-SDE: lossless inversion",
        "Press Check reconstruction: the SDE returns every pixel, the ODE does not.",
        {**_STEER, "mode": "sde"},
    ),
    PaperRun(
        "equation-2.14", "steer", "Equation 2.14: AdjointDEIS-1, ODE",
        "Press Run: 20 sampling steps by the ODE, gradients by AdjointDEIS-1.",
        {**_STEER, "gradient": "adjoint_1"},
    ),
    PaperRun(
        "equation-2.15", "steer", "Equation 2.15: AdjointDEIS-2M, ODE",
        "Press Run: 20 sampling steps by the ODE, gradients by AdjointDEIS-2M.",
        {**_STEER, "gradient": "adjoint_2"},
    ),
    PaperRun(
        "proposition-3.1", "steer", "Proposition 3.1: AdjointDEIS-1, SDE",
        "Press Run: the same with the SDE, whose inversion is lossless.",
        {**_STEER, "mode": "sde", "gradient": "adjoint_1"},
    ),
    PaperRun("table-1-ode", "morph", "Table 1: AdjointDEIS-1, ODE", _MORPHED, _MORPH),
    PaperRun("table-1-sde", "morph", "Table 1: AdjointDEIS-1, SDE", _MORPHED, {**_MORPH, "mode": "sde"}),
    PaperRun(
        "table-4", "morph", "Table 4: M = 5 adjoint steps",
        "Press Morph: the adjoint has 5 steps, the sampler 20; compare with Table 1.",
        {**_MORPH, "gradient": "adjoint_1_m5"},
    ),
    PaperRun(
        "table-5", "morph", "Table 5: states solved again",
        "Press Morph: the adjoint stores no states and solves for them backwards; compare with Table 1.",
        {**_MORPH, "gradient": "adjoint_1_resolved"},
    ),
    PaperRun(
        "table-6-rate-1", "morph", "Table 6: learning rate 1", _MORPHED,
        {**_MORPH, "z_rate": 1.0, "noise_rate": 1.0},
    ),
    PaperRun(
        "table-6-rate-0.01", "morph", "Table 6: learning rate 0.01", _MORPHED,
        {**_MORPH, "z_rate": 0.01, "noise_rate": 0.01},
    ),
    PaperRun("f3-ode", "morph", "Appendix F.3: ODE, N = 50", _MORPHED, {**_MORPH, "sampling_steps": 50}),
    PaperRun(
        "f3-sde", "morph", "Appendix F.3: SDE, N = 50", _MORPHED, {**_MORPH, "mode": "sde", "sampling_steps": 50}
    ),
    PaperRun(
        "theorem-2.1", "compare", "Theorem 2.1: error at N = 50",
        "Press Compare: the errors of AdjointDEIS are smaller than at N = 20 in the chart.",
        {**_COMPARE, "sampling_steps": 50}, ("discrete", "adjoint_1", "adjoint_2"),
    ),
    PaperRun(
        "memory", "compare", "Motivation: memory at N = 50",
        "Press Compare: plain autograd stores every network call, the adjoints store one at a time.",
        {**_COMPARE, "sampling_steps": 50}, ("discrete", "adjoint_1", "unrolled"),
    ),
    PaperRun(
        "sde-gradient", "compare", "Proposition 3.1: gradients of the SDE",
        "Press Compare: the adjoint of the SDE is that of the ODE with a factor of 2.",
        {**_COMPARE, "mode": "sde"}, ("discrete", "adjoint_1"),
    ),
    PaperRun(
        "tables-4-5-gradient", "compare", "Tables 4 and 5: errors of the gradient",
        "Press Compare: fewer adjoint steps, and states solved again, each add an error.",
        _COMPARE, ("discrete", "adjoint_1", "adjoint_1_m5", "adjoint_1_resolved"),
    ),
)  # fmt: skip
PAPER: Mapping[str, PaperRun] = MappingProxyType({run.name: run for run in _RUNS})
"""By name. docs/results.md has the results of the morphs on many pairs of faces."""


def paper_runs(tab: Tab) -> list[PaperRun]:
    """The runs of a tab."""
    return [run for run in PAPER.values() if run.tab == tab]
