"""Tables of MMPMR at each network with 95 % intervals, beside the values of the paper.

Intervals are bootstrap percentiles over pairs; methods are compared on the pairs that both have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.morphing.methods import Method
from benchmarks.morphing.plan import BALANCED, DIM, EXACT, EXPERIMENTS, FAST, ODE, PIPE, SDE
from benchmarks.records import Row
from clay.world import EMBEDDERS, HELD_OUT

NETWORKS = EMBEDDERS
_DRAWS, _SEED = 4000, 1

# MMPMR in % at AdaFace / ArcFace / ElasticFace at a false match rate of 0.1 %, and network calls (2405.15020)
PAPER: Mapping[str, str] = {
    DIM: "92.23 / 90.18 / 93.05 (350 calls)",
    FAST: "92.02 / 90.18 / 93.05 (300 calls)",
    PIPE: "95.91 / 92.84 / 95.5 (2350 calls)",
    ODE: "99.8 / 98.77 / 99.39 (2250 calls)",
    SDE: "98.57 / 97.96 / 97.75",
    "AdjointDEIS-1, M = 15": "94.89 (AdaFace)",
    "AdjointDEIS-1, M = 10": "94.27 (AdaFace)",
    "AdjointDEIS-1, M = 5": "69.94 (AdaFace)",
    "AdjointDEIS-1, rate .01": "95.5 / 92.64 / 95.91",
    "AdjointDEIS-1, states solved again": "94.27 / 89.78 / 93.87, at rate .01",
}


class Interval(NamedTuple):
    """An estimate and its 95 % interval, in [0, 1]; shown in %."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.0f} ({100 * self.low:.0f} to {100 * self.high:.0f})"


def accepts(row: Row, network: str) -> bool:
    """Whether a network accepts the morph as both people."""
    return bool(min(row["margins"][network]) > 0)


def success(row: Row) -> float:
    """Share of the two held-out networks that accept the morph as both people: 0, 1/2 or 1."""
    return sum(accepts(row, name) for name in HELD_OUT) / len(HELD_OUT)


def margin(row: Row) -> float:
    """Mean over the held-out networks of the smaller margin to the two people; a difference of cosines.

    MMPMR depends only on its sign, so with few pairs the margin distinguishes methods that MMPMR does not.
    """
    return float(np.mean([min(row["margins"][name]) for name in HELD_OUT]))


def of_method(rows: Iterable[Row], method: Method) -> dict[int, Row]:
    """By pair, the rows with the settings of the method."""
    return {row["pair"]: row for row in rows if row["key"] == method.key}


def interval(values: Sequence[float]) -> Interval:
    """The mean of values and its bootstrap interval."""
    means = _resampled(np.asarray(values, dtype=float))
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(np.mean(values)), float(low), float(high))


@dataclass(frozen=True)
class Comparison:
    """Two methods on their common pairs.

    Args:
        pairs: number of common pairs.
        difference: success of the first minus that of the second.
        confidence: share of bootstrap samples in which the difference of success is positive, ties by half.
        by_margin: the same for the difference of margins.
    """

    pairs: int
    difference: Interval
    confidence: float
    by_margin: float


def compare(better: Mapping[int, Row], worse: Mapping[int, Row]) -> Comparison:
    """Compare two methods by a paired bootstrap.

    Args:
        better: rows of the first method by pair.
        worse: rows of the second method by pair.

    Raises:
        ValueError: the methods have no common pair.
    """
    shared = sorted(set(better) & set(worse))
    if not shared:
        raise ValueError("The two methods share no pair, so they cannot be compared; run both.")
    gains = np.array([success(better[k]) - success(worse[k]) for k in shared])
    low, high = np.quantile(_resampled(gains), [0.025, 0.975])
    margins = np.array([margin(better[k]) - margin(worse[k]) for k in shared])
    return Comparison(
        len(shared), Interval(float(gains.mean()), float(low), float(high)), _above_0(gains), _above_0(margins)
    )


def _above_0(gains: np.ndarray) -> float:
    means = _resampled(gains)
    return float((means > 0).mean() + (means == 0).mean() / 2)


def _resampled(values: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(_SEED)
    return np.asarray(values[rng.integers(len(values), size=(_DRAWS, len(values)))].mean(1))


def calls_of(row: Row) -> int:
    """All network calls of a morph, including the encoding of both faces."""
    return int(row["calls"] + row["encoding_calls"])


def _seconds(rows: Sequence[Row]) -> str:
    """Median seconds of a morph with its encoding, on a CPU thread if there are such rows, else marked with †."""
    on_gpu = ["--device cuda" in row.get("made_by", {}).get("command", "") for row in rows]
    chosen = [row for row, gpu in zip(rows, on_gpu, strict=True) if not gpu] or rows
    median = np.median([row["seconds"] + row["encoding_seconds"] for row in chosen])
    return f"{median:.1f}{' †' if all(on_gpu) else ''}"


def table(rows: Sequence[Row], methods: Sequence[Method]) -> Iterator[str]:
    """Markdown, one line for each method with rows."""
    yield (
        "| method | pairs | in the loss | convolutional | transformer | margin | feature distance | denoising error "
        "| network calls | seconds | paper, on photographs |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for method in methods:
        found = list(of_method(rows, method).values())
        if not found:
            continue
        shares = [str(interval([float(accepts(row, network)) for row in found])) for network in NETWORKS]
        quality = [f"{np.mean([row[name] for row in found]):.2f}" for name in ("strangeness", "noisiness")]
        calls = f"{np.mean([calls_of(row) for row in found]):,.0f}"
        seconds = _seconds(found)
        margins = f"{np.mean([margin(row) for row in found]):+.3f}"
        cells = [method.name, str(len(found)), *shares, margins, *quality, calls, seconds, PAPER.get(method.name, "")]
        yield "| " + " | ".join(cells) + " |"


def experiment_methods(name: str) -> tuple[Method, ...]:
    """The methods of an experiment's table, including methods of other experiments for comparison."""
    published = {method.name: method for method in EXPERIMENTS["methods"]}
    beside = {
        "coarse": (ODE, EXACT),
        "rates": (ODE,),
        "paths": ("AdjointDEIS-1, rate .01", ODE),
        "steps": (ODE, SDE),
        "efficiency": (ODE,),
        "objective": (ODE, BALANCED),
    }
    known = published | {method.name: method for name in ("rates", "efficiency") for method in EXPERIMENTS[name]}
    return tuple(known[other] for other in beside.get(name, ())) + EXPERIMENTS[name]


def all_tables(rows: Sequence[Row]) -> str:
    """The tables of all experiments with rows, as Markdown."""
    parts = []
    for name in EXPERIMENTS:
        lines = list(table(rows, experiment_methods(name)))
        if len(lines) > 2:
            parts.append(f"### {name}\n\n" + "\n".join(lines))
    return "\n\n".join(parts)
