"""What the page says, as text and small HTML: progress, numbers, messages. Everything a person wrote is escaped."""

from __future__ import annotations

import math
from html import escape

from studio.events import Outcome, Progress
from studio.roundtrip import RoundTrip

_PHASES = {"encode": "Encoding", "optimise": "Optimising"}


def progress_bar(text: str, fraction: float = 0.0, detail: str = "") -> str:
    """An ARIA progress bar with a text at its left end and a detail at its right one."""
    percent = round(100 * min(max(fraction, 0.0), 1.0))
    return (
        f'<div class="progress" role="progressbar" aria-label="Progress of the run" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}" aria-valuetext="{escape(f"{text} {detail}".strip())}">'
        f"<div><b>{escape(text)}</b><span>{escape(detail)}</span></div>"
        f'<i aria-hidden="true"><i style="width:{percent}%"></i></i></div>'
    )


def progress(event: Progress) -> str:
    """Phase, step i of n and seconds left, as a bar."""
    done = event.step / event.steps
    text = f"{_PHASES[event.phase]}: step {event.step} of {event.steps}"
    # encoding is the short part of a run: the first tenth of the bar
    fraction = 0.1 * done if event.phase == "encode" else 0.1 + 0.9 * done
    return progress_bar(text, fraction, seconds_left(event.seconds_left))


def place(ahead: int) -> str:
    """A place in the line, as a person says it."""
    return "Waiting: one run comes before yours" if ahead == 1 else f"Waiting: {ahead} runs come before yours"


def seconds_left(seconds: float | None) -> str:
    """A forecast as a person says it; empty while there is none."""
    return "" if seconds is None else f"about {_duration(seconds)} left"


def expected(seconds: float | None) -> str:
    """The cost of a run, before it."""
    if seconds is None:
        return ""
    return f'<p class="hint">A run takes about {_duration(seconds)} on this machine.</p>'


def finished(outcome: Outcome) -> str:
    """The end of a run in one sentence."""
    last = outcome.curve[-1].step
    if outcome.stopped:
        return f"Stopped after step {last}; the best picture so far is kept (step {outcome.best.step})."
    if outcome.best.step == 0:
        return "Finished, but no step came closer to the goal: try a higher learning rate or more steps."
    return f"Finished in {_duration(outcome.seconds)}."


def numbers(outcome: Outcome) -> str:
    """The measured numbers of a run as a table."""
    first, best = outcome.curve[0].similarity, outcome.best.similarity
    rows = [(name, f"{first[name]:.3f} → <b>{best[name]:.3f}</b>") for name in best]
    rows += [
        ("Round trip of the encoding", _round_trip(outcome.round_trip)),
        ("Best step", f"{outcome.best.step} of {outcome.settings.optimisation_steps}"),
        ("Network calls", f"{outcome.calls:,}"),
        ("Time", f"{outcome.seconds:.1f} s"),
        ("Seed", str(outcome.settings.seed)),
    ]
    body = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{value}</td></tr>" for name, value in rows)
    return f'<table class="numbers"><caption>Measured in this run</caption>{body}</table>'


def no_numbers() -> str:
    """The place of the numbers before there are any."""
    return (
        '<p class="hint">After a run: how much closer the image came, how exactly the encoding gave it back, '
        "and what it cost.</p>"
    )


def alert(sentence: str) -> str:
    """A sentence that a screen reader speaks at once."""
    return f'<p class="alert" role="alert">{escape(sentence)}</p>'


def note(sentence: str) -> str:
    """A sentence that reports something good."""
    return f'<p class="note" role="status">{escape(sentence)}</p>'


def _round_trip(found: RoundTrip) -> str:
    if found.exact:
        return "<b>exact</b>, every 8-bit value the same"
    psnr = "∞" if math.isinf(found.psnr) else f"{found.psnr:.1f}"
    return f"{psnr} dB, off by at most {found.largest} of 255"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60, 1):g} min"
