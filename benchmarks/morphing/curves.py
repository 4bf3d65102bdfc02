"""Success over network calls: that of the candidate with the lowest loss so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.morphing.tables import NETWORKS
from benchmarks.records import Row
from clay.world import HELD_OUT

PUBLISHED_CALLS = 2250


def success_after(row: Row, calls: int) -> float:
    """Share of the held-out networks that accept the candidate with the lowest loss after `calls` calls; 0 without one.

    A row's curve holds [calls, loss, smaller margin at each network]; the calls of the encoding are added.
    """
    within = [point for point in row["curve"] if point[0] + row["encoding_calls"] <= calls]
    if not within:
        return 0.0
    best = min(within, key=lambda point: point[1])
    return float(np.mean([best[2 + NETWORKS.index(name)] > 0 for name in HELD_OUT]))


def curve(rows: Sequence[Row]) -> tuple[list[int], list[float]]:
    """Numbers of network calls, and the mean success of all rows after them, from the first to the last candidate."""
    at = sorted({int(point[0]) + row["encoding_calls"] for row in rows for point in row["curve"]})
    return at, [float(np.mean([success_after(row, calls) for row in rows])) for calls in at]


def calls_to_reach(rows: Sequence[Row], success: float) -> int | None:
    """The smallest number of calls after which the mean success is at least `success`; None if there is none."""
    return next((calls for calls, mean in zip(*curve(rows), strict=True) if mean >= success), None)
