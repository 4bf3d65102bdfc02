"""The results of a soak test, its rules, and the page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.soak.users import Trial

WARM_UP = 0.15
"""Share of the runs before memory is compared."""
GROWTH = 0.05


@dataclass(frozen=True)
class Sample:
    """The output of the meter after a number of runs."""

    runs: int
    found: Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """A rule, whether it held, and the measured value."""

    rule: str
    held: bool
    found: str


def growth(samples: Sequence[Sample]) -> float | None:
    """Relative growth of memory: median of the last tenth of the runs over that of a tenth after the warm-up.

    None if there are too few samples.
    """
    total = samples[-1].runs if samples else 0
    first = [s.found["memory"] for s in samples if WARM_UP * total <= s.runs <= (WARM_UP + 0.1) * total]
    last = [s.found["memory"] for s in samples if s.runs >= 0.9 * total]
    if not first or not last or total < 20:
        return None
    return float(median(last)) / float(median(first)) - 1


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile of values at `share` in [0, 1]."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def verdicts(trials: Sequence[Trial], samples: Sequence[Sample], counts: Mapping[int, int]) -> list[Verdict]:
    """All rules with their results."""
    last, grown = samples[-1].found, growth(samples)
    lost = [one for one in trials if one.trouble]
    failed = {status: count for status, count in counts.items() if status >= 500}
    odd = sum(one.trouble.startswith("mixed") for one in trials)
    return [
        Verdict("no result lost", len(lost) == odd, f"{len(lost) - odd} of {len(trials)}"),
        Verdict("no result mixed up", odd == 0, f"{odd} of {len(trials)}"),
        Verdict(
            "no response with status 500 or more", not failed, f"{sum(failed.values())} of {sum(counts.values()):,}"
        ),
        Verdict("device never used by two runs at once", last["overlaps"] == 0, f"{last['overlaps']} calls"),
        Verdict("runs not interleaved on the device", last["interleaved"] == 0, f"{last['interleaved']} calls"),
        Verdict(
            f"memory grows by less than {GROWTH:.0%} after the warm-up",
            grown is not None and grown < GROWTH,
            "too few runs" if grown is None else f"{grown:+.1%}",
        ),
        Verdict("device free at the end", not last["busy"], "busy" if last["busy"] else "free"),
        Verdict("no session left at the end", last["visits"] == 0, f"{last['visits']}"),
        Verdict("no user's file left at the end", last["left"] == 0, f"{last['left']}"),
    ]


def table(trials: Sequence[Trial]) -> str:
    """Seconds to the first frame, by position in the queue."""
    by_place: dict[int, list[float]] = defaultdict(list)
    for one in trials:
        if one.first is not None:
            by_place[one.place].append(one.first)
    rows = [
        f"| {place} | {len(found)} | {median(found):.2f} s | {quantile(found, 0.95):.2f} s |"
        for place, found in sorted(by_place.items())
    ]
    return "\n".join(
        ["| runs ahead in the queue | runs | first frame, median | 95 % quantile |", "|---:|---:|---:|---:|", *rows]
    )


def markdown(about: str, trials: Sequence[Trial], samples: Sequence[Sample], counts: Mapping[int, int]) -> str:
    """The text of the page."""
    kinds = ", ".join(f"{count} × {kind}" for kind, count in Counter(one.kind for one in trials).most_common())
    rules = "\n".join(
        f"| {one.rule} | {'yes' if one.held else '**no**'} | {one.found} |" for one in verdicts(trials, samples, counts)
    )
    return (
        f"# Soak test\n\n{about}\n\nRuns by kind: {kinds}.\n\n"
        f"| rule | held | measured |\n|---|---|---|\n{rules}\n\n{table(trials)}\n"
    )
