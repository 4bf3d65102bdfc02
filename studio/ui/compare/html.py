"""Texts and small HTML of the Compare tab: one card per method, with the same bars on each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from studio.core.gradients import GRADIENTS
from studio.export.player import uri
from studio.runs.compare import Column, Comparison
from studio.runs.measures.gradient_error import EXACT, gradient_errors
from studio.ui import html

WHAT = """**What is compared.** All methods start from the same encoding of the same picture. They use the same loss,
the same optimiser and the same number of updates, and update in turn. All numbers are measured in this run.

*Gradient error* is |g − g<sub>exact</sub>| / |g<sub>exact</sub>| of the first gradient g; g<sub>exact</sub> is the
exact gradient of the sampler. *Discrete adjoint* and *plain autograd* differentiate the sampling steps themselves, so
their gradients agree. The first stores one network call at a time, the second all of them. *AdjointDEIS-1* and *-2M*
discretise the adjoint equation of the continuous flow. They are exact in the limit of many small steps, and unstable
for long steps. Adam rescales a gradient of the wrong length, and the gradient of z is the easier one. To see larger
differences, optimise the noise alone, or use fewer sampling steps."""
_STAGES = {"encode": "Inverting", "audit": "Measuring gradient errors: method", "optimise": "Optimising: step"}
_VARIABLES = {"x_T": "noise x_T", "noises": "noises w", "z": "code z"}


def status(state: Comparison) -> str:
    """The progress bar."""
    if state.stage in ("done", "stopped"):
        return html.progress_bar(finished(state), 1.0)
    share = {"encode": 0.0, "audit": 0.05, "optimise": 0.25}[state.stage]
    width = {"encode": 0.05, "audit": 0.2, "optimise": 0.75}[state.stage]
    text = _STAGES[state.stage] + ("" if state.stage == "encode" else f" {state.step} of {state.steps}")
    return html.progress_bar(text, share + width * state.step / state.steps, html.seconds_left(state.left))


def finished(state: Comparison) -> str:
    """The end in one sentence."""
    ends = [column.curve[-1].total for column in state.columns if column.curve]
    if state.stage == "stopped":
        return "Stopped; the measurements so far are kept." if ends else "Stopped before the first measurement."
    best = min((c for c in state.columns if c.curve), key=lambda c: c.curve[-1].total, default=None)
    if best is None:
        return "Finished, but every method failed: see the cards."
    lowest = f"{GRADIENTS[best.method].label}, {best.curve[-1].total:.3f}"
    return f"Finished in {state.seconds:.0f} s; lowest loss: {lowest}."


def cards(methods: Sequence[Column]) -> str:
    """One card per method."""
    slowest = max((c.seconds or 0 for c in methods), default=0)
    largest = max((c.memory or 0 for c in methods), default=0)
    return f'<div class="cards-row">{"".join(_card(column, slowest, largest) for column in methods)}</div>'


def columns(methods: Sequence[str]) -> list[Column]:
    """Empty columns of the chosen methods."""
    return [Column(method) for method in GRADIENTS if method in methods]


def empty_cards(methods: Sequence[str]) -> str:
    """The cards before the first run."""
    return cards(columns(methods))


def _card(column: Column, slowest: float, largest: int) -> str:
    name = GRADIENTS[column.method].label
    picture = "<div></div>"
    if column.image is not None:
        picture = f'<img src="{uri(column.image)}" alt="Result of {escape(name)} so far">'
    body = "".join(_rows(column, slowest, largest))
    notes = [column.trouble] if column.trouble else list(column.found.warnings) if column.found else []
    below = "".join(f'<p class="trouble">{escape(sentence)}</p>' for sentence in notes)
    return f"<article><h4>{escape(name)}</h4>{picture}<dl>{body}</dl>{below}</article>"


def _rows(column: Column, slowest: float, largest: int) -> list[str]:
    rows = []
    if column.curve:
        first, last = column.curve[0].total, column.curve[-1].total
        rows.append(_row("Loss", f"{first:.3f} → <b>{last:.3f}</b>"))
    if column.found is not None:
        for variable, wrong in gradient_errors(column.found).items():
            label = f"Gradient error, {_VARIABLES.get(variable, variable)}"
            rows.append(_row(label, _error(wrong), _logarithmic(wrong), bad=wrong > EXACT))
    if column.seconds is not None:
        rows.append(_row("Time per gradient", f"{column.seconds:.2f} s", column.seconds / slowest))
    if column.memory is not None:
        rows.append(_row("Memory per gradient", f"{column.memory / 2**20:.1f} MiB", column.memory / max(largest, 1)))
    if column.calls:
        rows.append(_row("Network calls", f"{column.calls:,}"))
    return rows


def _row(name: str, value: str, share: float | None = None, bad: bool = False) -> str:
    bar = ""
    if share is not None:
        colour = ' class="bad"' if bad else ""
        bar = f'<i aria-hidden="true"><i{colour} style="width:{round(100 * min(max(share, 0), 1))}%"></i></i>'
    return f"<div><dt>{escape(name)}</dt><dd>{value}{bar}</dd></div>"


def _error(wrong: float) -> str:
    if wrong <= EXACT:
        return "<b>exact</b>"
    return f"{100 * wrong:.1f} %" if wrong < 10 else f"{wrong:,.0f} times too large"


def _logarithmic(wrong: float) -> float:
    """Length of an error's bar: 0 at the threshold of exactness, half at 100 %, full at 100,000 %."""
    return 0.0 if wrong <= EXACT else (math.log10(wrong) + 3) / 6
