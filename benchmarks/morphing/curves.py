"""Success against network calls: what a method's best picture so far would have reached, had it been stopped there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.records import Row
from benchmarks.morphing.tables import JUDGES, NETWORKS

PUBLISHED_CALLS = 2250


def success_after(row: Row, calls: int) -> float:
    """The share of unseen judges fooled by the candidate with the lowest loss within so many calls; 0 before any.

    A row's curve holds [calls, loss, smaller margin at each network], and the calls of the encoding come on top.
    """
    within = [point for point in row["curve"] if point[0] + row["encoding_calls"] <= calls]
    if not within:
        return 0.0
    best = min(within, key=lambda point: point[1])
    return float(np.mean([best[2 + NETWORKS.index(judge)] > 0 for judge in JUDGES]))


def curve(rows: Sequence[Row]) -> tuple[list[int], list[float]]:
    """Network calls, and the mean success of all rows after so many; from the first to the last candidate."""
    at = sorted({int(point[0]) + row["encoding_calls"] for row in rows for point in row["curve"]})
    return at, [float(np.mean([success_after(row, calls) for row in rows])) for calls in at]


def calls_to_reach(rows: Sequence[Row], success: float) -> int | None:
    """The fewest calls after which the mean success is at least this high; None if it never is."""
    return next((calls for calls, mean in zip(*curve(rows), strict=True) if mean >= success), None)
