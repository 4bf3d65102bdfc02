"""Which orderings of methods hold in this experiment: those of the paper, and ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.morphing.plan import AVERAGE, BALANCED, DIM, EXACT, EXACT_SDE, ODE, OURS, PIPE, SDE, every_method
from benchmarks.morphing.tables import compare, of_method
from benchmarks.records import Row

CONFIDENT = 0.95


class Claim(NamedTuple):
    """`better` has a higher success than `worse`: reported by the paper (tables 1 to 6), or open (F.3, ours)."""

    source: str
    better: str
    worse: str


CLAIMS = (
    Claim("table 1", ODE, DIM),
    Claim("table 1", SDE, DIM),
    Claim("table 1", ODE, PIPE),
    Claim("table 1", PIPE, DIM),
    Claim("table 1", ODE, SDE),
    Claim("table 4", ODE, "AdjointDEIS-1, M = 5"),
    Claim("table 4", ODE, "AdjointDEIS-1, M = 10"),
    Claim("table 5", ODE, "AdjointDEIS-1, states solved again"),
    Claim("table 6", ODE, "AdjointDEIS-1, rate .01"),
    Claim("F.3", "AdjointDEIS-1, ODE, N = 50", ODE),
    Claim("F.3", "AdjointDEIS-1, SDE, N = 50", SDE),
    Claim("ours", DIM, AVERAGE),
    Claim("ours", EXACT, ODE),
    Claim("ours", EXACT_SDE, SDE),
    Claim("ours", "coarse exact gradient, M = 5", "AdjointDEIS-1, M = 5"),
    Claim("ours", "exact gradient, SDE", ODE),
    Claim("ours", OURS, ODE),
    Claim("ours", BALANCED, ODE),
)


def checked(rows: Sequence[Row]) -> Iterator[str]:
    """Markdown, one line for each claim that these rows can check."""
    methods = every_method()
    yield "| source | higher success | lower success | difference, points | pairs | confidence | by margin | here it |"
    yield "|---|---|---|---|---|---|---|---|"
    for claim in CLAIMS:
        better, worse = (of_method(rows, methods[name]) for name in (claim.better, claim.worse))
        if not set(better) & set(worse):
            continue
        found = compare(better, worse)
        yield (
            f"| {claim.source} | {claim.better} | {claim.worse} | {found.difference} | {found.pairs} "
            f"| {100 * found.confidence:.0f} % | {100 * found.by_margin:.0f} % | {verdict(found.confidence)} |"
        )


def verdict(confidence: float) -> str:
    """The result of a bootstrap confidence in words."""
    if confidence >= CONFIDENT:
        return "holds"
    return "is reversed" if confidence <= 1 - CONFIDENT else "is open"
