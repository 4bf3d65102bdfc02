"""The table of edits, one column a loss; shares have 95 % intervals."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence

from benchmarks.intervals import share
from benchmarks.steering.evaluation import Row
from clay.people.attributes import ATTRIBUTES


def _share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> str:
    return share(sum(holds(row) for row in rows), len(rows))


def _spread(values: Sequence[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f}, {max(values):.{digits}f}" if values else "-"


FIGURES: dict[str, Callable[[Sequence[Row]], str]] = {
    "confirmed by the attribute classifier": lambda rows: _share(rows, lambda row: row["confirmed"]),
    "confirmed at some update": lambda rows: (
        _share(rows, lambda row: row["first_confirmed"] is not None) if "updates" in rows[0] else "-"
    ),
    f"of {len(ATTRIBUTES) - 1} other attributes changed, where both images show them, mean": lambda rows: (
        f"{statistics.mean(len(changed(row)) for row in rows):.2f}"
    ),
    "none of them changed": lambda rows: _share(rows, lambda row: not changed(row)),
    "same person, both held-out embedders, FMR 1 %": lambda rows: _share(
        rows, lambda row: all(row["same_person"].values())
    ),
    "background changed, levels of 255: median, largest": lambda rows: _spread(
        [row["background"] for row in rows if row["background"] is not None], 1
    ),
    "changed outside of the area, levels of 255: median, largest": lambda rows: _spread(
        [row["outside"] for row in rows if "outside" in row], 1
    ),
    "out-of-distribution score: median, largest": lambda rows: _spread(
        [row["strangeness"] for row in rows if row["strangeness"] is not None], 2
    ),
    "updates to the first confirmation: median, largest": lambda rows: _spread(
        [row["first_confirmed"] for row in rows if row["first_confirmed"] is not None], 0
    ),
    "updates made: median, largest": lambda rows: _spread([row["updates"] for row in rows if "updates" in row], 0),
    "seconds: median, largest": lambda rows: _spread([row["seconds"] for row in rows if "seconds" in row], 1),
}


def changed(row: Row) -> set[str]:
    """Other attributes that changed; rows of earlier versions list apart which of them an image cannot show."""
    return {*row["others_changed"]} - {*row.get("hidden", ())}


def edits_table(rows: Sequence[Row], kind: str) -> Iterator[str]:
    """Markdown: one line a figure, one column a loss, in the order of the rows; nothing without such rows."""
    chosen = [row for row in rows if row["kind"] == kind and "same_person" in row]
    losses = list(dict.fromkeys(row["loss"] for row in chosen))
    if not losses:
        return
    yield f"| {kind} | {' | '.join(losses)} |"
    yield "|---|" + "---|" * len(losses)
    for words, figure in FIGURES.items():
        cells = [figure([row for row in chosen if row["loss"] == loss]) for loss in losses]
        if set(cells) != {"-"}:
            yield f"| {words} | {' | '.join(cells)} |"
