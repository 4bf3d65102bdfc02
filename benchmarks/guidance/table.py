"""The table of edits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.guidance.methods import METHODS, Method
from benchmarks.guidance.tasks import Goal
from benchmarks.morphing.tables import Interval, interval
from benchmarks.records import Row


def of_goal(rows: Sequence[Row], goal: Goal) -> list[Row]:
    """The rows of a goal. Older rows call it "wish", and the oldest, all for texts, have no such field."""
    return [row for row in rows if row.get("goal", row.get("wish", "text")) == goal]


def best_strength(rows: Sequence[Row], method: Method) -> list[Row]:
    """The rows of the strength with the most confirmed edits; of equal ones, that with the fewest side effects."""
    strengths = {s: [r for r in rows if r["way"] == method.name and r["strength"] == s] for s in method.strengths}

    def merit(found: list[Row]) -> tuple[float, float]:
        if not found:
            return -1.0, 0.0
        return float(np.mean([r["confirmed"] for r in found])), -float(np.mean([r["changed"] for r in found]))

    return max(strengths.values(), key=merit)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Markdown, one line for each method."""
    yield (
        "| guidance | strength | edits | confirmed | same person | other attributes changed | denoising error | loss "
        "| network calls | seconds |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for method in METHODS:
        if not (found := best_strength(rows, method)):
            continue
        shares: list[Interval] = [interval([float(r[name]) for r in found]) for name in ("confirmed", "kept")]
        means = {name: np.mean([r[name] for r in found]) for name in ("changed", "noisiness", "calls", "seconds")}
        losses = f"{np.mean([r['loss_before'] for r in found]):.3f} -> {np.mean([r['loss_after'] for r in found]):.3f}"
        strength = f"{found[0]['strength']:g}" if method.one_step else ""
        yield (
            f"| {method.name} | {strength} | {len(found)} | {shares[0]} | {shares[1]} | {means['changed']:.1f} "
            f"| {means['noisiness']:.2f} | {losses} | {means['calls']:.0f} | {means['seconds']:.1f} |"
        )
