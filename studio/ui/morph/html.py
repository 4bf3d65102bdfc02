"""Texts and small HTML of the Morph tab: bars of similarity against the thresholds of every face network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from PIL import Image

from studio.export.player import uri
from studio.runs.measures.held_out import Answer, Verdict

CONSENT = (
    "Upload only faces of people who agreed to it. The examples are rendered faces, not real people. Pictures stay on "
    "this server."
)
WHY = """**What this shows.** A *face morphing attack* puts one picture that resembles two people into one passport, so
that both can travel with it. Diffusion models make such pictures without the seams of older methods, and gradients make
the attack stronger. AdjointDEIS was tested on this task, because detectors must be trained and tested on the strongest
known attacks. This page uses rendered clay faces, and face networks that were trained on clay faces only.

**How to read it.** The *plain morph* is the midpoint of the two encodings: z by linear interpolation, x<sub>T</sub> and
the noises by spherical interpolation, without a gradient. The *steered morph* starts there and minimises

$$\\mathcal L = d(v, v_a) + d(v, v_b) + |\\,d(v, v_a) - d(v, v_b)\\,|$$

(eq. 5.1 of the paper). Here v, v<sub>a</sub> and v<sub>b</sub> are the embeddings of the morph and of the two faces,
and d is one minus their cosine. With the embedded models two terms are added: half of what the out-of-distribution
score has above 1.05, so that the picture stays like those the model was trained on, and the distance of its code z to
the direction half-way between both people. After each update z moves to the nearest code that has this direction, and
the noises to those of each face where z predicts that face, and to new ones elsewhere. The gradient goes through
every sampling step. Only the first network is in this loss. The *held-out networks* are of other kinds and are not in
the loss, so their results count. A network accepts a face whose bar passes the dark mark, at a false match rate (FMR)
of 0.1 %; the light mark is an FMR of 1 %. The attack succeeds for a network that accepts *both* faces.
"""
_ANSWERS: dict[Answer, str] = {"accepted": "✓ accepted", "borderline": "≈ at FMR 1 %", "rejected": "✗ rejected"}


def stage(
    first: Image.Image | None, plain: Image.Image | None, now: Image.Image | None, second: Image.Image | None
) -> str:
    """Four pictures in a row: the first face, the plain morph, the steered one, the second face."""
    moving = "Inverting…" if now is not None and plain is None else "Steered morph"
    shown = (("First face", first), ("Plain morph", plain), (moving, now), ("Second face", second))
    figures = "".join(_figure(caption, image) for caption, image in shown)
    return f'<div class="morph-row">{figures}</div>'


def panel(of_plain: Sequence[Verdict], of_now: Sequence[Verdict]) -> str:
    """A row for every face network: bars of similarity to the first and the second face, plain above steered."""
    if not of_plain:
        return '<p class="hint">After a run: similarity of the morph to both faces, for each face network.</p>'
    rows = "".join(_embedder(plain, now) for plain, now in zip(of_plain, of_now, strict=True))
    return f'<p class="outcome">{outcome(of_plain, of_now)}</p><div class="verdicts">{rows}</div>'


def outcome(of_plain: Iterable[Verdict], of_now: Iterable[Verdict]) -> str:
    """How many held-out networks accept each morph for both faces, in one sentence."""
    held_out = [verdict for verdict in of_now if not verdict.in_loss]
    if not held_out:
        return ""
    before, after = (sum(v.fooled for v in verdicts if not v.in_loss) for verdicts in (of_plain, of_now))
    count = len(held_out)
    return f"Steered morph: accepted by {after} of {count} held-out networks; plain morph: {before} of {count}."


def _figure(caption: str, image: Image.Image | None) -> str:
    picture = "<div></div>" if image is None else f'<img src="{uri(image)}" alt="{caption}">'
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _embedder(plain: Verdict, now: Verdict) -> str:
    kind = "in the loss" if now.in_loss else "held out"
    people = "".join(_person(person, plain, now) for person in ("first", "second"))
    return f"<section><h4>{escape(now.name.capitalize())}<small>{kind}</small></h4>{people}</section>"


def _person(person: str, plain: Verdict, now: Verdict) -> str:
    bars = _bar(getattr(plain, person), "plain", plain) + _bar(getattr(now, person), "steered", now)
    return f'<div class="verdict"><span>Similarity to the {person} face</span>{bars}</div>'


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
