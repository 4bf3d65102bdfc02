"""The record of a run, as JSON in a text chunk of its PNG or in a separate file.

It holds the settings, the model and the hash of its weights, versions, and the run's measurements, but no metadata,
name or path of the input file. `python -c "from PIL import Image; print(Image.open(F).text)"` prints it.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.core.errors import UserError
from studio.core.settings import Settings, parse
from studio.export.provenance import SENTENCE, SOFTWARE, exif, xmp
from studio.models.interface import Model
from studio.runs.events import Outcome

KEY = "adjointdeis-studio"
MAX_TEXT = 2**20
_UNREADABLE = (OSError, SyntaxError, ValueError, KeyError, TypeError, RecursionError)
_NO_SETTINGS = "This file holds no settings: choose a PNG or JSON file that was saved on this page."


def record(outcome: Outcome, model: Model) -> dict[str, Any]:
    """The record of a run as a JSON object; `model` is named where the run itself names none."""
    psnr = outcome.round_trip.psnr
    return {
        "note": SENTENCE,
        "settings": outcome.settings.model_dump(),
        "model": dict(outcome.model) or model.described,
        "software": {name: _version(name) for name in ("adjointdeis-studio", "torch", "diffusers")},
        "measured": {
            "best_step": outcome.best.step,
            "stopped": outcome.stopped,
            "loss": [point.total for point in outcome.curve],
            "similarity": {"before": dict(outcome.curve[0].similarity), "after": dict(outcome.best.similarity)},
            "round_trip": {
                "largest_8bit_difference": outcome.round_trip.largest,
                "psnr_db": None if math.isinf(psnr) else psnr,
            },
            "network_calls": outcome.calls,
            "seconds": round(outcome.seconds, 2),
            "most_memory_bytes": outcome.memory or None,
            **_area(outcome),
            **({} if outcome.strength == 1 else {"strength": outcome.strength}),
        },
        "verdict": None if outcome.verdict is None else outcome.verdict.to_json(),
    }


def _area(outcome: Outcome) -> dict[str, Any]:
    """The share of the picture that could change, and the differences outside of it."""
    area = outcome.area
    if area is None:
        return {}
    outside = {"mean_8bit_difference": round(area.mean, 3), "largest_8bit_difference": area.largest}
    return {"area": {"share": round(area.share, 4), "composited": area.exact, "outside": outside}}


def to_png(image: Image.Image, metadata: Mapping[str, Any] | None) -> bytes:
    """The image as PNG, with the record if one is given, and always with the note that a model changed it."""
    chunks = PngInfo()
    if metadata is not None:
        chunks.add_text(KEY, json.dumps(metadata))
    chunks.add_text("Description", SENTENCE)
    chunks.add_text("Software", SOFTWARE)
    chunks.add_itxt("XML:com.adobe.xmp", xmp())
    stream = io.BytesIO()
    image.save(stream, "PNG", pnginfo=chunks, exif=exif())
    return stream.getvalue()


def read_settings(path: str | Path) -> Settings:
    """Read the settings of a saved PNG or JSON file, without decoding pixels.

    Raises:
        UserError: the file is of another format, has no record, or has settings that this version refuses.
    """
    return parse(read_values(path))


def read_values(path: str | Path) -> dict[str, Any]:
    """The same as written, not checked.

    Raises:
        UserError: the file is of another format or has no record.
    """
    values = read_record(path).get("settings")
    if not isinstance(values, dict):
        raise UserError(_NO_SETTINGS)
    return values


def read_record(path: str | Path) -> dict[str, Any]:
    """The whole record of a saved PNG or JSON file, not checked.

    Raises:
        UserError: the file is of another format or has no record.
    """
    try:
        found = json.loads(_record_text(Path(path)))
    except (*_UNREADABLE, Image.DecompressionBombError) as error:
        raise UserError(_NO_SETTINGS) from error
    if not isinstance(found, dict):
        raise UserError(_NO_SETTINGS)
    return found


def _record_text(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(MAX_TEXT + 1)
    if start.lstrip()[:1] == b"{" and len(start) <= MAX_TEXT:
        return start.decode()
    with Image.open(path, formats=("PNG",)) as image:
        return str(image.info[KEY])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "source tree"
