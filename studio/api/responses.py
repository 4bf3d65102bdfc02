"""The responses of the endpoints: an event as JSON, with pictures as files in a folder that Gradio copies from.

A response is a function of the event, that folder, and the named values of the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from clay.people.ranges import values_of
from studio.core.settings import title
from studio.core.text import text_warnings
from studio.export.metadata import record, to_png
from studio.export.morph import morph_record
from studio.images.clay import draw_scene
from studio.images.faces import Faces
from studio.images.label import draw_label
from studio.images.likeness import Likeness
from studio.models.interface import Model
from studio.runs.compare import Column, Comparison
from studio.runs.events import Outcome, Progress, Waiting
from studio.runs.measures.gradient_error import gradient_errors
from studio.runs.morph import Morphed, Morphing

Json = dict[str, Any]
Named = Mapping[str, Any]
Pair = tuple[Json | None, Json]
"""A file in Gradio's form, or None, and the progress or the record."""


def steered(model: Callable[[], Model]) -> Callable[[object, Path, Named], Pair]:
    """Responses of a run; `model` returns the loaded model."""

    def respond(event: object, folder: Path, named: Named) -> Pair:
        if isinstance(event, Outcome):
            written = record(event, model())
            return _file(event.after, written, folder, named), {**written, **_notes(event, model())}
        return None, moving(event)

    return respond


def morphed(model: Callable[[], Model]) -> Callable[[object, Path, Named], Pair]:
    """Responses of a morph; `model` returns the loaded model."""

    def respond(event: object, folder: Path, named: Named) -> Pair:
        if isinstance(event, Morphed):
            written = morph_record(event, model())
            return _file(event.outcome.after, written, folder, named), written
        return None, moving(event.progress if isinstance(event, Morphing) else event)

    return respond


def compared(event: object, folder: Path, named: Named) -> Json:
    """The response of a comparison."""
    if not isinstance(event, Comparison):
        return moving(event)
    columns = {column.method: _column(column) for column in event.columns}
    return {"phase": event.stage, "step": event.step, "steps": event.steps, "methods": columns}


def moving(event: object) -> Json:
    """The progress of a run."""
    if isinstance(event, Progress):
        return {"phase": event.phase, "step": event.step, "steps": event.steps, "seconds_left": event.seconds_left}
    return {"phase": "waiting", "ahead": event.ahead if isinstance(event, Waiting) else 0}


def cropped(event: Faces | None, folder: Path, named: Named) -> Json:
    """The settings of a crop to each face, under "faces"."""
    found = event.found if event else ()
    return {"faces": [{f"crop_{name}": value for name, value in one.crop._asdict().items()} for one in found]}


def likened(model: Model) -> Callable[[object, Path, Named], Pair]:
    """Responses of a likeness: the picture, its values, those of the other candidates, and notes."""

    def respond(event: object, folder: Path, named: Named) -> Pair:
        if not isinstance(event, Likeness):
            return None, moving(event)
        values = [values_of(scene) for scene in event.scenes]
        written = {"values": values[0], "others": values[1:], "notes": list(event.notes)}
        return _file(draw_scene(event.scenes[0], min(model.size, 256)), written, folder, named), written

    return respond


def _column(column: Column) -> Json:
    found = column.found
    return {
        "loss": [point.total for point in column.curve],
        "gradient_error": gradient_errors(found) if found else {},
        "gradient_cosine": dict(found.cosine) if found else {},
        "gradient_length_ratio": dict(found.length_ratio) if found else {},
        "warnings": list(found.warnings) if found else [],
        "seconds_per_gradient": column.seconds,
        "memory_bytes": column.memory,
        "network_calls": column.calls,
        "trouble": column.trouble,
    }


def _notes(outcome: Outcome, model: Model) -> Json:
    """Notes beside the record: what the text network could not use of the texts."""
    settings = outcome.settings
    texts = [(title("prompt"), settings.prompt if settings.needs_prompt else "")]
    texts += [(title("source_text"), settings.source_text if settings.needs_source_text else "")]
    sentence = text_warnings(model.tokenizer, model.unknown_words, texts)
    return {"notes": [sentence]} if sentence else {}


def _file(image: Image.Image, written: Json, folder: Path, named: Named) -> Json:
    path = folder / "result.png"
    path.write_bytes(to_png(draw_label(image) if named.get("marked") else image, written))
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
