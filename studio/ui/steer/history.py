"""The runs of one visit, newest first: what tells them apart, and the settings to take up again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.core.settings import title
from studio.export.player import uri
from studio.runs.events import Outcome
from studio.ui import html

MOST = 12


@dataclass(frozen=True)
class HistoryEntry:
    """A run and its number in this visit, from 1."""

    id: int
    outcome: Outcome


def keep(runs: Sequence[HistoryEntry], outcome: Outcome) -> tuple[HistoryEntry, ...]:
    """The runs with a new one in front, without its frames; the oldest beyond `MOST` are forgotten."""
    number = max((run.id for run in runs), default=0) + 1
    light = dataclasses.replace(outcome, frames=(), path=None)
    return (HistoryEntry(number, light), *runs)[:MOST]


def entries(runs: Sequence[HistoryEntry]) -> list[dict[str, Any]]:
    """What the viewer shows of them."""
    return [
        {
            "id": run.id,
            "title": html.wish(run.outcome.settings),
            "summary": html.gains(run.outcome),
            "after": uri(run.outcome.after),
            "facts": _facts(run.outcome),
        }
        for run in runs
    ]


def _facts(outcome: Outcome) -> dict[str, str]:
    """Every setting and every measured number by the name a person reads."""
    settings = {title(name): str(value) for name, value in outcome.settings.model_dump().items() if name != "version"}
    measured = {name: f"{value:.3f}" for name, value in outcome.best.similarity.items()}
    return {
        **measured,
        "Loss": f"{outcome.best.total:.3f}",
        "Time": f"{outcome.seconds:.1f} s",
        "Network calls": f"{outcome.calls:,}",
        **settings,
    }
