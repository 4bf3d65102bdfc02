"""The verdict on a run as HTML: whether the goal was reached, what else changed, and whether it is the same person."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.core.text import readable
from studio.export.verdict import headline
from studio.runs.measures.verdict import Reached, Similarity, Verdict

_CLASSES: dict[Reached, str] = {"yes": "yes", "partly": "partly", "no": "no", "not measured": "unknown"}


def verdict_html(verdict: Verdict | None) -> str:
    """The verdict; "" for a run that has none."""
    if verdict is None:
        return ""
    rows = [*_changed(verdict), *_people("Same person", verdict.same), *_people("Target person", verdict.target)]
    if verdict.score is not None:
        rows.append(("Like the model’s training pictures", f"score {verdict.score:.2f}; clay faces 0.96, at most 1.39"))
    body = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{value}</td></tr>" for name, value in rows)
    why = f"<p>{escape(verdict.reason)}</p>" if verdict.reason else ""
    return (
        f'<section class="verdict-box {_CLASSES[verdict.reached]}"><h4>{escape(headline(verdict))}</h4>{why}'
        f'<table class="numbers"><caption>Measured by networks that no loss uses</caption>{body}</table></section>'
    )


def _changed(verdict: Verdict) -> list[tuple[str, str]]:
    if verdict.changed is None:
        return []
    changes = [f"{readable(one.attribute)}: {one.before} → {one.after}" for one in verdict.changed]
    return [("Also changed", escape("; ".join(changes)) or "no other attribute")]


def _people(name: str, similarities: Sequence[Similarity]) -> list[tuple[str, str]]:
    if not similarities:
        return []
    accepted = sum(one.accepted for one in similarities)
    answer = "yes" if accepted == len(similarities) else "no" if not accepted else "uncertain"
    details = ", ".join(f"{one.name} {one.value:.2f} (threshold {one.threshold:.2f})" for one in similarities)
    return [(name, f"<b>{answer}</b>: {escape(details)}")]
