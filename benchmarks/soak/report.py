"""Figures of a day, what had to hold, and both as Markdown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.soak.users import Trial

WARM_UP = 0.15
"""The share of the runs after which memory has to stay flat."""
GROWTH = 0.05


@dataclass(frozen=True)
class Sample:
    """What the meter had written after so many runs."""

    runs: int
    found: Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """Something that had to hold, whether it did, and the figure."""

    rule: str
    held: bool
    found: str


def growth(samples: Sequence[Sample]) -> float | None:
    """How much larger the last tenth's memory is than that of a tenth after the warm-up; medians of each.

    None where there are too few samples to say.
    """
    total = samples[-1].runs if samples else 0
    first = [s.found["memory"] for s in samples if WARM_UP * total <= s.runs <= (WARM_UP + 0.1) * total]
    last = [s.found["memory"] for s in samples if s.runs >= 0.9 * total]
    if not first or not last or total < 20:
        return None
    return float(median(last)) / float(median(first)) - 1


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all reaches."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def verdicts(trials: Sequence[Trial], samples: Sequence[Sample], answers: Mapping[int, int]) -> list[Verdict]:
    """Everything that had to hold."""
    last, grown = samples[-1].found, growth(samples)
    lost = [one for one in trials if one.trouble]
    failed = {status: count for status, count in answers.items() if status >= 500}
    odd = sum(one.trouble.startswith("mixed") for one in trials)
    return [
        Verdict("no result lost", len(lost) == odd, f"{len(lost) - odd} of {len(trials)}"),
        Verdict("no result mixed up", odd == 0, f"{odd} of {len(trials)}"),
        Verdict("no answer of status 500 or more", not failed, f"{sum(failed.values())} of {sum(answers.values()):,}"),
        Verdict("the device never used by two runs at once", last["overlaps"] == 0, f"{last['overlaps']} calls"),
        Verdict("no run between two calls of another", last["interleaved"] == 0, f"{last['interleaved']} calls"),
        Verdict(
            f"memory grows by less than {GROWTH:.0%} after the warm-up",
            grown is not None and grown < GROWTH,
            "too few runs to say" if grown is None else f"{grown:+.1%}",
        ),
        Verdict("the device is free at the end", not last["busy"], "busy" if last["busy"] else "free"),
        Verdict("no visit is remembered at the end", last["visits"] == 0, f"{last['visits']}"),
        Verdict("no visitor's file is left at the end", last["left"] == 0, f"{last['left']}"),
    ]


def table(trials: Sequence[Trial]) -> str:
    """Seconds to the first frame by place in line."""
    by_place: dict[int, list[float]] = defaultdict(list)
    for one in trials:
        if one.first is not None:
            by_place[one.place].append(one.first)
    rows = [
        f"| {place} | {len(found)} | {median(found):.2f} s | {quantile(found, 0.95):.2f} s |"
        for place, found in sorted(by_place.items())
    ]
    return "\n".join(["| runs before it | runs | first frame, median | 95 % within |", "|---:|---:|---:|---:|", *rows])


def markdown(about: str, trials: Sequence[Trial], samples: Sequence[Sample], answers: Mapping[int, int]) -> str:
    """The page that is kept."""
    kinds = ", ".join(f"{count} × {kind}" for kind, count in Counter(one.kind for one in trials).most_common())
    rules = "\n".join(
        f"| {one.rule} | {'yes' if one.held else '**no**'} | {one.found} |"
        for one in verdicts(trials, samples, answers)
    )
    return (
        f"# A long day\n\n{about}\n\nWhat visitors did: {kinds}.\n\n"
        f"| had to hold | held | found |\n|---|---|---|\n{rules}\n\n{table(trials)}\n"
    )
