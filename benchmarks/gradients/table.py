"""The table of measured rows."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.gradients.cost import Row
from benchmarks.gradients.methods import METHODS

COLUMNS = ("method", "N", "calls", "seconds", "floor", "own", "memory", "error x_T", "error z", "image")


def line(row: Row) -> str:
    """A row as a line of Markdown."""
    cells = {
        "calls": "{} + {}".format(*row["calls"]),
        "seconds": f"{row['seconds']:.2f}",
        "floor": f"{row['floor']:.2f}",
        "own": f"{row['own']:.2f}",
        "memory": f"{row['memory']:.0f}",
        **{name: f"{row[name]:.1e}" for name in ("error x_T", "error z", "image")},
    }
    return "| " + " | ".join(cells.get(name, str(row[name])) for name in COLUMNS) + " |"


def table(rows: Sequence[Row]) -> str:
    """All rows, ordered by number of steps and then as in `METHODS`; of repeated rows the last."""
    latest = {(row["N"], row["method"]): row for row in rows}
    order = sorted(latest, key=lambda key: (key[0], list(METHODS).index(key[1])))
    return "\n".join([header(), *(line(latest[key]) for key in order)])


def header() -> str:
    """The first two lines of the table."""
    return "| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|"
