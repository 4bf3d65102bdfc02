"""The files that a morph can be saved as: a PNG, which may contain its record, or the record as JSON."""

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
"""Labels on the page by file extension."""


def morph_record(result: Morphed, model: Model) -> dict[str, Any]:
    """The record of the run, and every face network's verdict on the plain and on the steered morph."""
    verdicts = {"plain": result.of_plain, "steered": result.of_now}
    values = {name: [{**asdict(one), "fooled": one.fooled} for one in found] for name, found in verdicts.items()}
    return {**record(result.outcome, model), "verdicts": values}


def save(kind: str, result: Morphed, model: Model, folder: Path, inside: bool = True, *, marked: bool = False) -> Path:
    """Write a morph's file into a folder, and return its path; `kind` is a key of SAVES, and the other arguments are
    those of `studio.export.files.save`.
    """
    metadata = morph_record(result, model)
    path = folder / f"morph-{result.outcome.settings.seed}.{kind}"
    if kind == "json":
        path.write_text(json.dumps(metadata, indent=1) + "\n", encoding="utf-8")
    else:
        after = result.outcome.after
        path.write_bytes(to_png(draw_label(after) if marked else after, metadata if inside else None))
    return path
