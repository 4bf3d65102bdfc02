"""What the rows say: MMPMR at every judge, with its uncertainty, beside what the paper reports.

Intervals are bootstrap percentiles (95 %) over pairs; methods are compared on the pairs they share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.morphing.methods import Method
from benchmarks.morphing.plan import DIM, EXACT, EXPERIMENTS, FAST, ODE, PIPE, SDE
from benchmarks.records import Row

NETWORKS = ("identity", "judge", "jury")
JUDGES = ("judge", "jury")
_DRAWS, _SEED = 4000, 1

# MMPMR in % by AdaFace / ArcFace / ElasticFace at a false match rate of .1 %, and calls of the network (2405.15020)
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
    """An estimate, and the ends of its interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.0f} ({100 * self.low:.0f} to {100 * self.high:.0f})"


def fools(row: Row, network: str) -> bool:
    """Whether a network takes the morph for both people."""
    return bool(min(row["margins"][network]) > 0)


def success(row: Row) -> float:
    """The share of the two judges that no loss has seen which the morph fools: 0, 1/2 or 1."""
    return sum(fools(row, judge) for judge in JUDGES) / len(JUDGES)


def margin(row: Row) -> float:
    """By how much the two unseen judges take the morph for the person they find less like it, on average; a cosine.

    MMPMR asks only whether this is above 0 at each, so with few pairs the margin tells methods apart that it does not.
    """
    return float(np.mean([min(row["margins"][judge]) for judge in JUDGES]))


def of_method(rows: Iterable[Row], method: Method) -> dict[int, Row]:
    """The rows made with exactly these settings, by pair."""
    return {row["pair"]: row for row in rows if row["key"] == method.key}


def interval(values: Sequence[float]) -> Interval:
    """The mean, and its bootstrap interval."""
    means = _resampled(np.asarray(values, dtype=float))
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(np.mean(values)), float(low), float(high))


@dataclass(frozen=True)
class Comparison:
    """Of two methods on the pairs they share: the first's success minus the second's, and how sure its sign is.

    `by_margin` is how sure the sign of the difference of their margins is.
    """

    pairs: int
    difference: Interval
    confidence: float
    by_margin: float


def compare(better: Mapping[int, Row], worse: Mapping[int, Row]) -> Comparison:
    """A paired bootstrap: the confidence is the share of draws in which the difference is above 0, ties by half.

    Raises:
        ValueError: the two share no pair.
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
    """All network calls of a morph, the encoding of both faces included."""
    return int(row["calls"] + row["encoding_calls"])


def _seconds(rows: Sequence[Row]) -> str:
    """The median of a morph's, its encoding included; of those on a CPU thread if there are any, else marked."""
    on_gpu = ["--device cuda" in row.get("made_by", {}).get("command", "") for row in rows]
    chosen = [row for row, gpu in zip(rows, on_gpu, strict=True) if not gpu] or rows
    median = np.median([row["seconds"] + row["encoding_seconds"] for row in chosen])
    return f"{median:.1f}{' †' if all(on_gpu) else ''}"


def table(rows: Sequence[Row], methods: Sequence[Method]) -> Iterator[str]:
    """Markdown, one line a method of which there are rows."""
    yield (
        "| method | pairs | in the loss | judge | jury | margin | strangeness | noisiness | network calls | seconds "
        "| the paper's, on photographs |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for method in methods:
        found = list(of_method(rows, method).values())
        if not found:
            continue
        shares = [str(interval([float(fools(row, network)) for row in found])) for network in NETWORKS]
        looks = [f"{np.mean([row[name] for row in found]):.2f}" for name in ("strangeness", "noisiness")]
        calls = f"{np.mean([calls_of(row) for row in found]):,.0f}"
        seconds = _seconds(found)
        judged = f"{np.mean([margin(row) for row in found]):+.3f}"
        cells = [method.name, str(len(found)), *shares, judged, *looks, calls, seconds, PAPER.get(method.name, "")]
        yield "| " + " | ".join(cells) + " |"


def experiment_methods(name: str) -> tuple[Method, ...]:
    """The methods of an experiment's table, with those of other experiments that belong in it."""
    published = {method.name: method for method in EXPERIMENTS["methods"]}
    beside = {
        "coarse": (ODE, EXACT),
        "rates": (ODE,),
        "paths": ("AdjointDEIS-1, rate .01", ODE),
        "steps": (ODE, SDE),
        "efficiency": (ODE,),
    }
    rates = {method.name: method for method in EXPERIMENTS["rates"]}
    known = published | rates
    return tuple(known[other] for other in beside.get(name, ())) + EXPERIMENTS[name]


def all_tables(rows: Sequence[Row]) -> str:
    """Every experiment of which there is something, as markdown."""
    parts = []
    for name in EXPERIMENTS:
        lines = list(table(rows, experiment_methods(name)))
        if len(lines) > 2:
            parts.append(f"### {name}\n\n" + "\n".join(lines))
    return "\n\n".join(parts)
