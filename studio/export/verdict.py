"""The verdict on a run as plain texts."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.text import readable
from studio.runs.measures.verdict import Reached, Similarity, Verdict

REACHED: dict[Reached, str] = {
    "yes": "Goal reached",
    "partly": "Goal partly reached",
    "no": "Goal not reached",
    "not measured": "Goal not measured",
}


def headline(verdict: Verdict) -> str:
    """Whether the goal was reached, with the probability by the held-out classifier."""
    return REACHED[verdict.reached] + ("" if verdict.probability is None else f" ({_percent(verdict.probability)})")


def rows(verdict: Verdict) -> list[tuple[str, str]]:
    """What else the held-out networks measured: names and values."""
    found = []
    if verdict.changed is not None:
        changes = [f"{readable(one.attribute)}: {one.before} → {one.after}" for one in verdict.changed]
        found.append(("Also changed", "; ".join(changes) or "no other attribute"))
    found += [*_people("Same person", verdict.same), *_people("Target person", verdict.target)]
    if verdict.score is not None:
        found.append(("Out-of-distribution score", f"{verdict.score:.2f}"))
    return found


def _percent(probability: float) -> str:
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def _people(name: str, similarities: Sequence[Similarity]) -> list[tuple[str, str]]:
    if not similarities:
        return []
    accepted = sum(one.accepted for one in similarities)
    answer = "yes" if accepted == len(similarities) else "no" if not accepted else "uncertain"
    return [
        (name, f"{answer}: " + ", ".join(f"{s.name} {s.value:.2f} (threshold {s.threshold:.2f})" for s in similarities))
    ]
