"""Terminal output: a progress bar during a run, tables after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from studio.core.gradients import GRADIENTS
from studio.core.paper import PAPER
from studio.core.presets import PRESETS
from studio.core.settings import Settings, bounds, choices, title
from studio.export.verdict import headline
from studio.export.verdict import rows as verdict_rows
from studio.runs.compare import Comparison
from studio.runs.events import Outcome, Progress
from studio.runs.measures.gradient_error import EXACT, gradient_errors
from studio.runs.morph import Morphed, Morphing
from studio.ui.html import seconds_left

Event = TypeVar("Event")
_PHASES = {"encode": "Encoding", "audit": "Auditing", "optimise": "Optimising", "done": "Done", "stopped": "Stopped"}


def watch(events: Iterable[Event], console: Console) -> Event | None:
    """Show a progress bar for a run's events, and return the last one."""
    last: Event | None = None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[detail]}"))
    with ProgressBar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Starting", total=None, detail="")
        for last in events:
            _advance(bar, task, last)
    return last


def show_outcome(outcome: Outcome, console: Console) -> None:
    """Print the verdict and the measurements of a run."""
    first, best = outcome.curve[0], outcome.best
    rows = {name: f"{first.similarity[name]:.3f} → {value:.3f}" for name, value in best.similarity.items()}
    trip = outcome.round_trip
    rows |= {
        "Loss": f"{first.total:.3f} → {best.total:.3f} at step {best.step} of {outcome.settings.optimisation_steps}",
        "Round trip": "exact" if trip.exact else f"{trip.psnr:.1f} dB, off by at most {trip.largest} of 255",
        "Network calls": f"{outcome.calls:,}",
        "Time": f"{outcome.seconds:.1f} s" + (", stopped early" if outcome.stopped else ""),
    }
    if (verdict := outcome.verdict) is not None:
        console.print(f"{headline(verdict)}. {verdict.reason}".rstrip(), markup=False, highlight=False)
        rows |= dict(verdict_rows(verdict))
    _print(console, ("", "measured"), *([name, value] for name, value in rows.items()))


def show_morph(result: Morphed, console: Console) -> None:
    """Print the measurements of a morph, and each face network's verdict."""
    show_outcome(result.outcome, console)
    rows = [
        [
            f"{now.name}{' (in the loss)' if now.in_loss else ''}",
            f"{plain.first:.2f} → {now.first:.2f}",
            f"{plain.second:.2f} → {now.second:.2f}",
            f"{now.strict:.2f}",
            "yes" if now.fooled else "no",
        ]
        for plain, now in zip(result.of_plain, result.of_now, strict=True)
    ]
    if rows:
        _print(console, ("face network", "to the first", "to the second", "threshold", "accepted as both"), *rows)


def show_comparison(state: Comparison, console: Console) -> None:
    """Print a table with one row for each method."""
    head = ["method", "loss", "gradient error", "s each", "MiB", "calls", ""]
    rows = []
    for column in state.columns:
        loss = f"{column.curve[0].total:.3f} → {column.curve[-1].total:.3f}" if column.curve else ""
        found = column.found
        wrong = gradient_errors(found).values() if found else ()
        shown = ", ".join("exact" if e <= EXACT else f"{100 * e:.3g} %" for e in wrong)
        seconds = "" if column.seconds is None else f"{column.seconds:.2f}"
        memory = "" if column.memory is None else f"{column.memory / 2**20:.1f}"
        name = GRADIENTS[column.method].label
        rows.append([name, loss, shown, seconds, memory, f"{column.calls:,}", column.trouble])
    _print(console, head, *rows)


def show_settings(console: Console) -> None:
    """Print every setting by the name that --set takes."""
    rows, plain = [], Settings()
    for name, field in Settings.model_fields.items():
        if names := choices(name):
            allowed = " | ".join(names)
        elif field.annotation is str:
            allowed = "text"
        else:
            allowed = "{:g} to {:,g}".format(*bounds(name))
        default = getattr(plain, name)
        rows.append([name, repr(default) if field.annotation is str else str(default), allowed, title(name)])
    _print(console, ("name", "default", "range", "title"), *(row for row in rows if row[0] != "version"))


def show_presets(console: Console) -> None:
    """Print every preset by the name that --preset takes, with its command."""
    rows = [[name, "steer, morph, compare", ""] for name in PRESETS]
    rows += [[one.name, one.tab, one.label] for one in PAPER.values()]
    _print(console, ("name", "command", "run of the paper"), *rows)


def _advance(bar: ProgressBar, task: TaskID, event: Any) -> None:
    if isinstance(event, Morphing):
        event = event.progress
    if isinstance(event, Progress):
        loss = f"loss {event.curve[-1].total:.3f}  " if event.curve else ""
        detail = loss + seconds_left(event.seconds_left)
        bar.update(task, description=_PHASES[event.phase], completed=event.step, total=event.steps, detail=detail)
    if isinstance(event, Comparison):
        detail = seconds_left(event.left)
        bar.update(task, description=_PHASES[event.stage], completed=event.step, total=event.steps, detail=detail)


def _print(console: Console, head: Iterable[str], *rows: list[str]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in head:
        table.add_column(name, overflow="fold", no_wrap=name == "method")
    for row in rows:
        table.add_row(*row)
    console.print(table)
