"""What is kept of a morph: a PNG, with its record inside unless that is not wanted, and the record as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from studio.export.metadata import record, to_png
from studio.images.label import draw_label
from studio.models.interface import Model
from studio.runs.morph import Morphed

SAVES: Mapping[str, str] = MappingProxyType({"png": "Save PNG", "json": "Save JSON"})
"""Kinds of files, by the ends of their names, and what the page calls them."""


def morph_record(done: Morphed, model: Model) -> dict[str, Any]:
    """The record of the run, and what every embedder said of both morphs."""
    verdicts = {"plain": done.of_plain, "steered": done.of_now}
    said = {name: [{**asdict(one), "fooled": one.fooled} for one in found] for name, found in verdicts.items()}
    return {**record(done.outcome, model), "verdicts": said}


def save(kind: str, done: Morphed, model: Model, folder: Path, inside: bool = True, *, marked: bool = False) -> Path:
    """The file, written into a folder.

    Args:
        kind: a key of SAVES.
        done: the morph.
        model: what made it.
        folder: where to write.
        inside: whether the record goes into the picture too.
        marked: whether the picture bears the corner label; the note in its metadata is always there.
    """
    written = morph_record(done, model)
    path = folder / f"morph-{done.outcome.settings.seed}.{kind}"
    if kind == "json":
        path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    else:
        after = done.outcome.after
        path.write_bytes(to_png(draw_label(after) if marked else after, written if inside else None))
    return path
