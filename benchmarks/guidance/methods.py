"""The compared methods."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.guidance.one_step import OneStep

BUDGET = 400
STRENGTHS = (0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Method:
    """One method. Rows on disk hold the fields, so their names must not change.

    Args:
        name: unique name.
        steps: N, sampling steps.
        one_step: guidance of single steps; None for gradients through the whole sampler.
        updates: number of updates with these gradients, by the studio's step options.
    """

    name: str
    steps: int
    one_step: OneStep | None = None
    updates: int = 0

    @property
    def strengths(self) -> tuple[float, ...]:
        """The strengths that are tried."""
        return STRENGTHS if self.one_step else (1.0,)

    @property
    def calls(self) -> int:
        """Network calls of one edit, including the encoding."""
        if self.one_step:
            return self.steps * (1 + self.one_step.travel)
        return self.steps * (2 + 2 * self.updates)


OURS = Method("through the whole sampler", 8, updates=24)
METHODS = (
    OURS,
    Method("one step ahead (DPS)", 200, OneStep()),
    Method("one step ahead, z too", 200, OneStep(with_z=True)),
    Method("with time travel (FreeDoM)", 50, OneStep(travel=7)),
    Method("with a guided mean (TFG)", 100, OneStep(travel=3, mean=4, rising=True)),
    Method("with a guided mean, z too", 100, OneStep(travel=3, mean=4, rising=True, with_z=True)),
)
