"""Texts and small HTML of the Compare tab: one card per method, with the same bars on each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from statistics import median

from PIL import Image

from studio.core.gradients import GRADIENTS
from studio.export.player import uri
from studio.export.recorded_tabs import RecordedComparison
from studio.runs.compare import Column, Comparison
from studio.runs.measures.gradient_error import EXACT, gradient_errors
from studio.ui import html

WHAT = """**What is compared.** All methods start from the same encoding of the same picture. They use the same loss,
the same optimiser and the same number of updates, and update in turn. All numbers are measured in this run.

*Error* is |g − g<sub>exact</sub>| / |g<sub>exact</sub>| of the first gradient g; g<sub>exact</sub> is the exact
gradient of the sampler. *Peak memory* is what one gradient allocates. *Discrete adjoint* and *plain autograd*
differentiate the sampling steps themselves, so their gradients agree. The first stores one network call at a time, the
second all of them. *AdjointDEIS-1* and *-2M* discretise the adjoint equation of the continuous flow. They are exact in
the limit of many small steps, and unstable for long steps. The losses tie because the optimiser rescales each gradient,
and because the gradient of z is the easier one. To see larger differences, optimise the noise alone."""
_STAGES = {"encode": "Inverting", "audit": "Measuring gradient errors: method", "optimise": "Optimising: step"}
_VARIABLES = {"x_T": "noise x_T", "noises": "noises w", "z": "code z"}


def status(state: Comparison, forecast: float | None = None) -> str:
    """The progress bar; `forecast` is the expected time of the whole comparison, until its own pace is known."""
    if state.stage in ("done", "stopped"):
        return html.progress_bar(finished(state), 1.0)
    left = state.left
    if left is None and forecast is not None:
        left = max(forecast - state.seconds, 1.0)
    share = {"encode": 0.0, "audit": 0.05, "optimise": 0.25}[state.stage]
    width = {"encode": 0.05, "audit": 0.2, "optimise": 0.75}[state.stage]
    text = _STAGES[state.stage] + ("" if state.stage == "encode" else f" {state.step} of {state.steps}")
    return html.progress_bar(text, share + width * state.step / state.steps, html.seconds_left(left))


def recorded(found: RecordedComparison | None, digest: str) -> str:
    """The progress bar of the recorded comparison; `digest` is that of the loaded weights. "" without one."""
    if found is None:
        return ""
    settings = found.comparison.settings
    title = f"{html.goal_text(settings)}, N = {settings.sampling_steps}"
    return html.recorded_bar(title, found.digest == digest, "Compare")


def finished(state: Comparison) -> str:
    """The end in one sentence."""
    measured = any(column.curve for column in state.columns)
    if state.stage == "stopped":
        return "Stopped; the measurements so far are kept." if measured else "Stopped before the first measurement."
    return f"Finished in {state.seconds:.0f} s." if measured else "Finished, but every method failed: see the cards."


def cards(methods: Sequence[Column], start: Image.Image | None) -> str:
    """The result in plain words, and one card per method; `start` is shown until a method has its own picture."""
    slowest = max((c.seconds or 0 for c in methods), default=0)
    largest = max((c.memory or 0 for c in methods), default=0)
    made = "".join(_card(column, start, slowest, largest) for column in methods)
    sentences = f'<p class="outcome">{escape(summary(methods))}</p><p class="hint">{escape(losses(methods))}</p>'
    return f'{sentences}<div class="cards-row">{made}</div>'


def summary(methods: Sequence[Column]) -> str:
    """What separates the methods: the error of the gradient, and the peak memory."""
    found = [(c, max(gradient_errors(c.found).values())) for c in methods if c.found is not None and c.memory]
    if not found:
        return "After a run: the error of each gradient, its memory and its time."
    exact = [f"{_name(c)} with {_mebibytes(c)}" for c, wrong in found if wrong <= EXACT]
    others = [f"{_name(c)}, {100 * wrong:,.0f} % off, with {_mebibytes(c)}" for c, wrong in found if wrong > EXACT]
    parts = [("Exact gradient", exact), ("Approximate gradient", others)]
    return " ".join(f"{title}: {'; '.join(names)}." for title, names in parts if names)


def losses(methods: Sequence[Column]) -> str:
    """Whether the last losses differ by more than they still change from one update to the next; "" for one curve."""
    curves = [[point.total for point in c.curve] for c in methods if not c.trouble and len(c.curve) > 1]
    if len(curves) < 2:
        return ""
    ends = [curve[-1] for curve in curves]
    spread, noise = max(ends) - min(ends), median(abs(curve[-1] - curve[-2]) for curve in curves)
    verdict = "a tie" if spread <= noise else "a difference"
    return f"Last losses differ by {spread:.3f}; one update changes them by {noise:.3f}: {verdict}."


def columns(methods: Sequence[str]) -> list[Column]:
    """Empty columns of the chosen methods."""
    return [Column(method) for method in GRADIENTS if method in methods]


def _card(column: Column, start: Image.Image | None, slowest: float, largest: int) -> str:
    name, image = _name(column), column.image or start
    picture = "<div></div>"
    if image is not None:
        alt = "Picture before" if column.image is None else f"Result of {name} so far"
        picture = f'<img src="{uri(image)}" alt="{escape(alt)}">'
    body = "".join(_rows(column, slowest, largest))
    notes = [column.trouble] if column.trouble else list(column.found.warnings) if column.found else []
    below = "".join(f'<p class="trouble">{escape(sentence)}</p>' for sentence in notes)
    return f"<article><h4>{escape(name)}</h4>{picture}<dl>{body}</dl>{below}</article>"


def _rows(column: Column, slowest: float, largest: int) -> list[str]:
    rows = []
    if column.found is not None:
        for variable, wrong in gradient_errors(column.found).items():
            label = f"Error, {_VARIABLES.get(variable, variable)}"
            rows.append(_row(label, _error(wrong), _logarithmic(wrong), bad=wrong > EXACT))
    if column.memory is not None:
        rows.append(_row("Peak memory", _mebibytes(column), column.memory / max(largest, 1)))
    if column.seconds is not None:
        rows.append(_row("Time per gradient", f"{column.seconds:.2f} s", column.seconds / slowest))
    if column.calls:
        rows.append(_row("Network calls", f"{column.calls:,}"))
    if column.curve:
        rows.append(_row("Loss", f"{column.curve[0].total:.3f} → {column.curve[-1].total:.3f}"))
    return rows


def _name(column: Column) -> str:
    return GRADIENTS[column.method].label


def _mebibytes(column: Column) -> str:
    return f"{(column.memory or 0) / 2**20:.1f} MiB"


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
