"""Which model is at work, and which others there are: for the page, without asking any network."""

from __future__ import annotations

import re
from html import escape

from studio.models.interface import Model
from studio.models.registry import Entry
from studio.models.status import Status, statuses

_CHOOSING = """Another one is chosen when the studio is started: with its command in the list, or with `--model FOLDER`
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
    items = [_item(one, public) for one in statuses(check_hub=False)]
    return "\n".join(["## Models", "", *_loaded(model), "", _CHOOSING, "", *items])


def _loaded(model: Model) -> list[str]:
    origin = model.origin
    facts = {
        "z": origin.z,
        "From": f"{origin.source}, commit {origin.revision}" if origin.source else "",
        "SHA-256 of the weights": model.digest,
    }
    return [line(model), "", *(f"- {name}: {_plain(value)}" for name, value in facts.items() if value)]


def _plain(text: str) -> str:
    """Text that neither HTML nor Markdown takes for more than text: a folder may have any name."""
    return re.sub(r"[|*_`$\[\]\\]", lambda sign: f"&#{ord(sign[0])};", escape(text))


def _item(one: Status, public: bool) -> str:
    here = "" if public else f" {one.state.capitalize()}: {one.reason.rstrip('.')}."
    return f"- **{one.entry.title}** ({one.entry.licence}).{here} `{_command(one.entry)}`"


def _command(entry: Entry) -> str:
    name = f" --model {entry.name if entry.repo else 'FOLDER'}"
    return f"python app.py{'' if entry.kind == 'embedded' else name}"
