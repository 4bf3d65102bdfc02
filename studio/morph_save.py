"""What is kept of a morph: a PNG with its record inside, and the same record as JSON beside it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.mark import mark
from studio.model import Model
from studio.morph_run import Morphed
from studio.record import record, to_png


def morph_record(done: Morphed, model: Model) -> dict[str, Any]:
    """The record of the run, and what every embedder said of both morphs."""
    verdicts = {"plain": done.of_plain, "steered": done.of_now}
    said = {name: [{**asdict(one), "fooled": one.fooled} for one in found] for name, found in verdicts.items()}
    return {**record(done.outcome, model), "verdicts": said}


def save(done: Morphed, model: Model, folder: Path, *, marked: bool = False) -> tuple[Path, Path]:
    """Both files, written into a folder; the PNG first, with the corner label if it is to be marked."""
    written = morph_record(done, model)
    png = folder / f"morph-{done.outcome.settings.seed}.png"
    sidecar = png.with_suffix(".json")
    after = done.outcome.after
    png.write_bytes(to_png(mark(after) if marked else after, written))
    sidecar.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return png, sidecar
