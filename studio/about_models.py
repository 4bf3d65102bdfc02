"""Which model is at work, and which others there are: for the page, without asking any network."""

from __future__ import annotations

import re
from html import escape

from studio.model import Model
from studio.models.registry import Entry
from studio.models.status import Status, statuses

_CHOOSING = """Another one is chosen when the studio is started: with the command in the table, or with `--model FOLDER`
for a folder in the layout of diffusers. `python -m studio.cli` takes the same flag. Only configurations, tokenizers and
safetensors are fetched; of a model that is not pinned the newest commit, and saved pictures say which one it was."""


def line(model: Model) -> str:
    """Name and licence of the model at work, as one sentence of Markdown."""
    licence = f" ({_plain(model.origin.licence)})" if model.origin.licence else ""
    return f"The model at work: **{_plain(model.name)}**{licence}."


def about_models(model: Model, public: bool = False) -> str:
    """What is loaded, and every model of the registry with its licence, its state here and its command, as Markdown.

    Args:
        model: the one at work.
        public: strangers look: what is on this computer is left out.
    """
    rows = [_row(one, public) for one in statuses(asks=False)]
    head = "| model | licence of the weights |" + ("" if public else " here |") + " command |"
    rule = "|---" * (head.count("|") - 1) + "|"
    return "\n".join(["## Models", "", *_loaded(model), "", _CHOOSING, "", head, rule, *rows])


def _loaded(model: Model) -> list[str]:
    origin = model.origin
    facts = {
        "Licence of the weights": origin.licence,
        "z": origin.z,
        "From": f"{origin.source}, commit {origin.revision}" if origin.source else "",
        "SHA-256 of the weights": model.digest,
    }
    return [line(model), "", *(f"- {name}: {_plain(value)}" for name, value in facts.items() if value)]


def _plain(text: str) -> str:
    """Text that neither HTML nor Markdown takes for more than text: a folder may have any name."""
    return re.sub(r"[|*_`$\[\]\\]", lambda sign: f"&#{ord(sign[0])};", escape(text))


def _row(one: Status, public: bool) -> str:
    cells = [one.entry.title, one.entry.licence, *([] if public else [_here(one)]), f"`{_command(one.entry)}`"]
    return f"| {' | '.join(cells)} |"


def _here(one: Status) -> str:
    return f"{one.state}: {one.reason.rstrip('.')}."


def _command(entry: Entry) -> str:
    name = f" --model {entry.name if entry.repo else 'FOLDER'}"
    return f"python app.py{'' if entry.kind == 'embedded' else name}"
