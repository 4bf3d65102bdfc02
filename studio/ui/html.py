"""What the page says, as text and small HTML: progress, numbers, messages. Everything a person wrote is escaped."""

from __future__ import annotations

import math
from html import escape

from studio.core.settings import Settings
from studio.runs.cost import Cost
from studio.runs.events import Outcome, Progress
from studio.runs.round_trip import RoundTrip

_PHASES = {"encode": "Encoding", "optimise": "Optimising"}


def progress_bar(text: str, fraction: float = 0.0, detail: str = "", below: str = "") -> str:
    """An ARIA progress bar with a text at its left end, a detail at its right one, and a line below."""
    percent = round(100 * min(max(fraction, 0.0), 1.0))
    return (
        f'<div class="progress" role="progressbar" aria-label="Progress of the run" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}" aria-valuetext="{escape(f"{text} {detail}".strip())}">'
        f"<div><b>{escape(text)}</b><span>{escape(detail)}</span></div>"
        f'<i aria-hidden="true"><i style="width:{percent}%"></i></i><p>{escape(below)}</p></div>'
    )


def progress(event: Progress) -> str:
    """Phase, step i of n, seconds left and what was measured so far, as a bar."""
    done = event.step / event.steps
    text = f"{_PHASES[event.phase]}: step {event.step} of {event.steps}"
    # encoding is the short part of a run: the first tenth of the bar
    fraction = 0.1 * done if event.phase == "encode" else 0.1 + 0.9 * done
    return progress_bar(text, fraction, seconds_left(event.seconds_left), below=measured(event))


def measured(event: Progress) -> str:
    """Loss, similarities, network calls and memory now, in one line."""
    parts = []
    if event.curve:
        now = event.curve[-1]
        parts.append(f"loss {now.total:.3f}")
        parts += [f"{name} {value:.2f}" for name, value in now.similarity.items()]
    parts.append(f"{event.calls:,} network calls")
    if event.memory:
        parts.append(size(event.memory))
    return " · ".join(parts)


def gains(outcome: Outcome) -> str:
    """How far a run came, in one line."""
    first, best = outcome.curve[0].similarity, outcome.best.similarity
    parts = [f"{name} {first[name]:.2f} → {best[name]:.2f}" for name in best]
    parts.append("encoding exact" if outcome.round_trip.exact else f"encoding {_round_trip(outcome.round_trip)}")
    return " · ".join(parts)


def wish(settings: Settings) -> str:
    """The goal of a run, in a few words: its prompt where it has one."""
    goal = settings.goal
    return settings.prompt if settings.needs_prompt else goal.summary or goal.label.split(":")[0]


def recorded(title: str, fresh: bool) -> str:
    """A recording in one sentence."""
    since = "" if fresh else " with earlier weights of the model"
    return f"Recorded{since}: {title}. Press Run to do it live."


def size(number: int) -> str:
    """Bytes as a person says them."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{max(round(number / 1e6), 1)} MB"


def place(ahead: int) -> str:
    """A place in the line, as a person says it."""
    return "Waiting: one run comes before yours" if ahead == 1 else f"Waiting: {ahead} runs come before yours"


def seconds_left(seconds: float | None) -> str:
    """A forecast as a person says it; empty while there is none."""
    return "" if seconds is None else f"about {_duration(seconds)} left"


def expected(cost: Cost) -> str:
    """The cost of a run, before it: what is known of it."""
    parts = [f"{cost.calls:,} network calls"]
    if cost.seconds is not None:
        parts.append(f"about {_duration(cost.seconds)}")
    if cost.memory is not None:
        parts.append(f"about {size(cost.memory)} of memory")
    return f'<p class="hint">A run on this machine: {", ".join(parts)}.</p>'


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
        ("Round trip of the encoding", f"<b>{_round_trip(outcome.round_trip)}</b>"),
        ("Best step", f"{outcome.best.step} of {outcome.settings.optimisation_steps}"),
        ("Network calls, time", f"{outcome.calls:,}, {outcome.seconds:.1f} s"),
        ("Most memory", size(outcome.memory) if outcome.memory else "unknown"),
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


def seen(uri: str) -> str:
    """A picture as the model sees it, with lines through its middle."""
    return f'<div class="seen-picture"><img src="{uri}" alt="Your picture as the model sees it"></div>'


def alert(sentence: str) -> str:
    """A sentence that a screen reader speaks at once."""
    return f'<p class="alert" role="alert">{escape(sentence)}</p>'


def note(sentence: str) -> str:
    """A sentence that reports something good."""
    return f'<p class="note" role="status">{escape(sentence)}</p>'


def _round_trip(found: RoundTrip) -> str:
    if found.exact:
        return "exact, every 8-bit value the same"
    psnr = "∞" if math.isinf(found.psnr) else f"{found.psnr:.1f}"
    return f"{psnr} dB, off by at most {found.largest} of 255"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60, 1):g} min"
