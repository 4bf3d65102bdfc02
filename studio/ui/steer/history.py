"""The runs of one session, newest first: their differences, and their settings to load again."""

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
    """A run and its number in this session, from 1."""

    id: int
    outcome: Outcome

    def shows(self, outcome: Outcome) -> bool:
        """Whether this is the entry of that run."""
        mine = self.outcome
        return (mine.settings, mine.seconds, mine.curve) == (outcome.settings, outcome.seconds, outcome.curve)


def keep(runs: Sequence[HistoryEntry], outcome: Outcome) -> tuple[HistoryEntry, ...]:
    """The runs with a new one in front, without its frames; at most `MOST`."""
    number = max((run.id for run in runs), default=0) + 1
    light = dataclasses.replace(outcome, frames=(), path=None)
    return (HistoryEntry(number, light), *runs)[:MOST]


def entries(runs: Sequence[HistoryEntry]) -> list[dict[str, Any]]:
    """The runs as JSON for the viewer."""
    return [
        {
            "id": run.id,
            "title": html.goal_text(run.outcome.settings),
            "summary": html.gains(run.outcome),
            "after": uri(run.outcome.after),
            "facts": _facts(run.outcome),
        }
        for run in runs
    ]


def _facts(outcome: Outcome) -> dict[str, str]:
    """Every setting and every measurement by its label."""
    settings = {title(name): str(value) for name, value in outcome.settings.model_dump().items() if name != "version"}
    measured = {name: f"{value:.3f}" for name, value in outcome.best.similarity.items()}
    return {
        **measured,
        "Loss": f"{outcome.best.total:.3f}",
        "Time": f"{outcome.seconds:.1f} s",
        "Network calls": f"{outcome.calls:,}",
        **settings,
    }
