"""Texts and small HTML of the page: progress, measurements, messages. All text that a client sent is escaped."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from html import escape

from studio.core.goals import NAMED
from studio.core.settings import Settings
from studio.export.player import uri
from studio.export.verdict import headline
from studio.runs.events import AreaReport, Outcome, Progress
from studio.runs.measures.cost import Cost
from studio.runs.measures.round_trip import RoundTrip
from studio.runs.measures.verdict import Verdict
from studio.runs.reconstruct import Reconstruction
from studio.ui.verdict import verdict_html

_HOW = "Encode to noise without loss → gradient through all sampling steps → move {}."
_MOVED = {"both": "noise and code", "noise": "the noise", "z": "the code"}
_PHASES = {"encode": "Inverting", "optimise": "Optimising"}


def progress_bar(text: str, fraction: float = 0.0, detail: str = "", below: str = "") -> str:
    """An ARIA progress bar: text at the left, detail at the right, and a line below."""
    percent = round(100 * min(max(fraction, 0.0), 1.0))
    return (
        f'<div class="progress" role="progressbar" aria-label="Progress of the run" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}" aria-valuetext="{escape(f"{text} {detail}".strip())}">'
        f"<div><b>{escape(text)}</b><span>{escape(detail)}</span></div>"
        f'<i aria-hidden="true"><i style="width:{percent}%"></i></i><p>{escape(below)}</p></div>'
    )


def progress(event: Progress) -> str:
    """Phase, step i of n, seconds left and the measurements so far, as a bar."""
    done = event.step / event.steps
    text = f"{_PHASES[event.phase]}: step {event.step} of {event.steps}"
    # inverting is the short part of a run: the first tenth of the bar
    fraction = 0.1 * done if event.phase == "encode" else 0.1 + 0.9 * done
    return progress_bar(text, fraction, seconds_left(event.seconds_left), below=measured(event))


def measured(event: Progress) -> str:
    """Loss, similarities, network calls and memory now, in one line."""
    parts = []
    if event.curve:
        now = event.curve[-1]
        parts.append(f"loss {now.total:.3f}")
        parts += [f"{short} {now.similarity[name]:.2f}" for name, short in _shortened(now.similarity).items()]
    parts.append(f"{event.calls:,} network calls")
    if event.memory:
        parts.append(size(event.memory))
    return " · ".join(parts)


def gains(outcome: Outcome) -> str:
    """Similarities before and after a run, and the inversion error, in one line."""
    first, best = outcome.curve[0].similarity, outcome.best.similarity
    parts = [f"{short} {first[name]:.2f} → {best[name]:.2f}" for name, short in _shortened(best).items()]
    parts.append(f"inversion {inversion_error(outcome.round_trip, short=True)}")
    return " · ".join(parts)


def _shortened(similarities: Iterable[str]) -> dict[str, str]:
    """The names of similarities without the prompt, which is shown as the goal; of several, the prompts alone."""
    names = list(similarities)
    return {name: re.sub(r"^.* (?=“)" if len(names) > 1 else r" (of|with) “.*”$", "", name) for name in names}


def goal_text(settings: Settings) -> str:
    """The goal of a run in a few words: its prompt, if it has one."""
    goal = settings.goal
    return settings.prompt if settings.needs_prompt else goal.summary or goal.label.split(":")[0]


def asked(settings: Settings, verdict: Verdict | None = None) -> str:
    """The goal of the run that is shown; for an audience also how it is reached, and whether it was."""
    reached = "" if verdict is None else f'<p class="reached"><b>{escape(headline(verdict))}</b></p>'
    how = f'<p class="how">{_HOW.format(_MOVED[settings.variables])}</p>'
    return f"<p>Goal: <b>{escape(goal_text(settings))}</b>{_only(settings)}</p>{how}{reached}"


def _only(settings: Settings) -> str:
    """The area that may change; "" for the whole picture."""
    parts = [*sorted(settings.parts - {NAMED}), *(["painted area"] if settings.painted else [])]
    return f", only in: {escape(', '.join(parts))}" if parts else ""


def recorded(title: str, current: bool, button: str = "Run") -> str:
    """A recorded run in one sentence; `current`: made with the weights that are loaded."""
    weights = "" if current else " (other weights)"
    return f"Recorded run{weights}: {title}." + (f" Press {button} to compute it now." if button else "")


def recorded_bar(title: str, current: bool, button: str) -> str:
    """The progress bar of a recorded run; `current` as for `recorded`."""
    return progress_bar(recorded(title, current, ""), 1.0, below=f"Press {button} to compute it now.")


def size(number: int) -> str:
    """Bytes as MB or GB."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{max(round(number / 1e6), 1)} MB"


def position(ahead: int) -> str:
    """The position in the queue: `ahead` other runs come first."""
    return f"In the queue: {ahead} {'run' if ahead == 1 else 'runs'} before yours"


def seconds_left(seconds: float | None) -> str:
    """The expected time left; empty while it is unknown."""
    return "" if seconds is None else f"about {_duration(seconds)} left"


def expected(cost: Cost, at_most: bool = False) -> str:
    """The expected cost of a run, as far as it is known; `at_most`: the run ends early when its goal is reached."""
    parts = [f"{cost.calls:,} network calls"]
    if cost.seconds is not None:
        parts.append(f"about {_duration(cost.seconds)}")
    if cost.memory is not None:
        parts.append(f"about {size(cost.memory)} memory")
    most = "at most " if at_most else ""
    return f'<p class="hint">Expected cost of a run: {most}{", ".join(parts)}.</p>'


def reconstructed(found: Reconstruction) -> str:
    """The end of a reconstruction in one sentence."""
    return f"Reconstructed in {_duration(found.seconds)}."


def finished(outcome: Outcome) -> str:
    """The end of a run in one sentence."""
    last = outcome.curve[-1].step
    if outcome.strength != 1:
        verdict = "" if outcome.verdict is None else f": {headline(outcome.verdict)}"
        return f"Strength {outcome.strength:g}{verdict}."
    if outcome.stopped:
        return f"Stopped after step {last}; the best picture so far is kept (step {outcome.best.step})."
    if outcome.best.step == 0:
        return "Finished, but no step lowered the loss: try a higher learning rate or more steps."
    end = f"Finished in {_duration(outcome.seconds)}"
    return f"{end}." if outcome.verdict is None else f"{headline(outcome.verdict)}. {end}."


def numbers(outcome: Outcome) -> str:
    """The measured numbers of a run as a table."""
    first, best = outcome.curve[0].similarity, outcome.best.similarity
    rows = [(name, f"{first[name]:.3f} → <b>{best[name]:.3f}</b>") for name in best]
    rows += [
        ("Inversion error", f"<b>{inversion_error(outcome.round_trip)}</b>"),
        ("Result", f"step {outcome.best.step} of {outcome.curve[-1].step}"),
        ("Network calls, time", f"{outcome.calls:,}, {outcome.seconds:.1f} s"),
        ("Peak memory", size(outcome.memory) if outcome.memory else "unknown"),
        ("Seed", str(outcome.settings.seed)),
    ]
    if outcome.strength != 1:
        rows.append(("Strength", f"<b>{outcome.strength:g}</b>; the similarities are those at 1"))
    body = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{value}</td></tr>" for name, value in rows)
    table = f'<table class="numbers"><caption>Measured in this run</caption>{body}</table>'
    return verdict_html(outcome.verdict) + table + _area(outcome.area)


def _area(area: AreaReport | None) -> str:
    """The area of a run, and what happened outside of it; "" for the whole picture."""
    if area is None:
        return ""
    how = (
        "the original pixels, composited with a feathered edge"
        if area.exact
        else f"changed by {area.mean:.1f} of 255 levels on average, {area.largest} at most"
    )
    return (
        f'<figure class="area"><img src="{uri(area.picture)}" alt="Area that could change, the rest dark">'
        f"<figcaption>Only {area.share:.0%} of the picture could change. Outside: {how}.</figcaption></figure>"
    )


def reconstruction(found: Reconstruction) -> str:
    """What was done without a goal, and the errors by both samplers."""
    measured = {"SDE (Cycle-SDE)": found.by_sde, "ODE (DDIM)": found.by_ode}
    errors = "".join(
        f"<p>{name}: <b>{inversion_error(one.round_trip)}</b><span class=calls>, {one.calls:,} network calls</span></p>"
        for name, one in measured.items()
    )
    return f"<p>Reconstruction: encode to noise, then sample, without a gradient.</p>{errors}"


def no_numbers() -> str:
    """The place of the measurements before the first run."""
    return '<p class="hint">After a run: similarity to the goal, inversion error and cost.</p>'


def seen(uri: str) -> str:
    """The model's input picture, with lines through its centre."""
    return f'<div class="seen-picture"><img src="{uri}" alt="Input of the model"></div>'


def alert(sentence: str) -> str:
    """An error message; a screen reader reads it at once."""
    return f'<p class="alert" role="alert">{escape(sentence)}</p>'


def note(sentence: str) -> str:
    """A message that reports no error."""
    return f'<p class="note" role="status">{escape(sentence)}</p>'


def inversion_error(found: RoundTrip, short: bool = False) -> str:
    """The difference between a picture and its reconstruction from the noise, in 8-bit levels."""
    if found.exact:
        return "lossless" if short else "lossless (0 of 255 levels off)"
    psnr = "∞" if math.isinf(found.psnr) else f"{found.psnr:.1f}"
    return f"at most {found.largest} of 255 levels off, PSNR {psnr} dB"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60, 1):g} min"
