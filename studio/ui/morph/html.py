"""What the Morph tab says, as text and small HTML: bars of similarity against every embedder's threshold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from PIL import Image

from studio.export.player import uri
from studio.runs.held_out import Answer, Verdict

CONSENT = (
    "Only upload faces of people who have agreed to it, your own included. The examples are rendered; nobody looks "
    "like them. Pictures stay on this machine."
)
WHY = """**What this shows, and why.** A *face morphing attack* puts one picture that resembles two people into one
passport, so that both can travel with it. Diffusion models make such pictures without the seams that older morphs
leave, and steering by gradients makes them stronger: AdjointDEIS was tested on exactly this task, because detectors
have to be trained and tested against the strongest attacks that are known. So here it is shown in the open, on clay
faces and with clay embedders, which know nothing of real people.

**How to read it.** The *plain morph* meets half-way between the two encodings: z on a line, x_T and the noises on
great circles; no gradient. The *steered morph* starts there and follows the gradient of

$$\\mathcal L = d(v, v_a) + d(v, v_b) + |\\,d(v, v_a) - d(v, v_b)\\,|$$

(eq. 5.1 of the paper; v is the morph, d one minus the cosine of two embeddings), taken through every sampling step.
Only the first embedder is in that loss. The judges are networks of other kinds that the optimisation never sees: what
they say is what counts. A bar that passes the dark mark would be taken for that person at a false match rate of 0.1 %;
the light mark is 1 %. An attack succeeds at a judge when *both* bars pass.
"""
_ANSWERS: dict[Answer, str] = {"accepted": "✓ accepted", "borderline": "≈ at 1 % only", "rejected": "✗ rejected"}


def stage(
    first: Image.Image | None, plain: Image.Image | None, now: Image.Image | None, second: Image.Image | None
) -> str:
    """Four pictures in a row: the first face, the plain morph, the steered one, the second face."""
    moving = "Encoding…" if now is not None and plain is None else "Steered morph"
    shown = (("First face", first), ("Plain morph", plain), (moving, now), ("Second face", second))
    figures = "".join(_figure(caption, image) for caption, image in shown)
    return f'<div class="morph-row">{figures}</div>'


def panel(of_plain: Sequence[Verdict], of_now: Sequence[Verdict]) -> str:
    """A row for every embedder: bars of similarity to the first and to the second face, plain above steered."""
    if not of_plain:
        return '<p class="hint">Once there is a morph: how similar every embedder finds it to both faces.</p>'
    rows = "".join(_embedder(plain, now) for plain, now in zip(of_plain, of_now, strict=True))
    return f'<p class="outcome">{outcome(of_plain, of_now)}</p><div class="verdicts">{rows}</div>'


def outcome(of_plain: Iterable[Verdict], of_now: Iterable[Verdict]) -> str:
    """Which judges would be fooled, in one sentence."""
    held_out = [verdict for verdict in of_now if not verdict.in_loss]
    if not held_out:
        return ""
    before, after = (sum(v.fooled for v in said if not v.in_loss) for said in (of_plain, of_now))
    return (
        f"{_count(after)} of {len(held_out)} judges would take the steered morph for both people "
        f"({_count(before).lower()} the plain one)."
    )


def _figure(caption: str, image: Image.Image | None) -> str:
    picture = "<div></div>" if image is None else f'<img src="{uri(image)}" alt="{caption}">'
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _count(number: int) -> str:
    return "None" if number == 0 else str(number)


def _embedder(plain: Verdict, now: Verdict) -> str:
    kind = "in the loss" if now.in_loss else "not in the loss"
    people = "".join(_person(person, plain, now) for person in ("first", "second"))
    return f"<section><h4>{escape(now.name.capitalize())}<small>{kind}</small></h4>{people}</section>"


def _person(person: str, plain: Verdict, now: Verdict) -> str:
    bars = _bar(getattr(plain, person), "plain", plain) + _bar(getattr(now, person), "steered", now)
    return f'<div class="verdict"><span>similar to the {person} face</span>{bars}</div>'


def _bar(similarity: float, kind: str, verdict: Verdict) -> str:
    answer = verdict.answer(similarity)
    marks = "".join(
        f'<i class="mark {name}" style="left:{_percent(at)}%"></i>'
        for name, at in (("loose", verdict.loose), ("strict", verdict.strict))
    )
    return (
        f'<div class="bar {kind} {answer}"><small>{kind}</small>'
        f'<div aria-hidden="true"><i style="width:{_percent(similarity)}%"></i>{marks}</div>'
        f"<b>{similarity:.2f} <small>{_ANSWERS[answer]}</small></b></div>"
    )


def _percent(similarity: float) -> int:
    return round(100 * min(max(similarity, 0.0), 1.0))
