"""The loaded model and the models that can be chosen, as Markdown; without network access."""

from __future__ import annotations

import re
from html import escape

from studio.models.catalogue.registry import DEFAULT, Entry
from studio.models.interface import Model
from studio.models.status import Status, statuses

_CHOOSING = """To use another model, start the studio with its command below, or with `--model FOLDER` for a folder in
the diffusers layout. `python -m studio.cli` has the same option. The studio downloads configurations, tokenizers and
safetensors only. Without a pinned commit it downloads the newest one; saved pictures record the commit."""


def model_line(model: Model) -> str:
    """Name and licence of the loaded model, as one line of Markdown."""
    licence = f" ({_plain(model.origin.licence)})" if model.origin.licence else ""
    return f"Model: **{_plain(model.name)}**{licence}."


def about_models(model: Model, public: bool = False) -> str:
    """The loaded model, and every model of the registry with its licence, its state and its command, as Markdown.

    Args:
        model: the loaded one.
        public: on a public server; leaves out what is stored on this computer.
    """
    items = [_item(one, public) for one in statuses(check_hub=False)]
    return "\n".join(["## Models", "", *_loaded(model), "", _CHOOSING, "", *items])


def _loaded(model: Model) -> list[str]:
    origin = model.origin
    facts = {
        "z": origin.z,
        "Source": f"{origin.source}, commit {origin.revision}" if origin.source else "",
        "SHA-256 of the weights": model.digest,
    }
    return [model_line(model), "", *(f"- {name}: {_plain(value)}" for name, value in facts.items() if value)]


def _plain(text: str) -> str:
    """Text without HTML or Markdown syntax, because a folder may have any name."""
    return re.sub(r"[|*_`$\[\]\\]", lambda sign: f"&#{ord(sign[0])};", escape(text))


def _item(one: Status, public: bool) -> str:
    here = "" if public else f" {one.state.capitalize()}: {one.reason.rstrip('.')}."
    return f"- **{one.entry.title}** ({one.entry.licence}).{here} `{_command(one.entry)}`"


def _command(entry: Entry) -> str:
    if entry.name == DEFAULT:
        return "python app.py"
    return f"python app.py --model {entry.name if entry.repo or entry.kind == 'embedded' else 'FOLDER'}"
