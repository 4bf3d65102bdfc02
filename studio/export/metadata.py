"""What a saved picture knows about itself, as JSON in one text chunk of the PNG, or in a file of its own.

Settings, model with the hash of its weights, versions, and the numbers measured in the run; never the input file's
own metadata, its name or a path. Anyone can read it: `python -c "from PIL import Image; print(Image.open(F).text)"`.
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
MOST_TEXT = 2**20
_UNREADABLE = (OSError, SyntaxError, ValueError, KeyError, TypeError, RecursionError)
_NONE_INSIDE = "This file holds no settings: choose a PNG or JSON file that was saved on this page."


def record(outcome: Outcome, model: Model) -> dict[str, Any]:
    """The JSON object to write beside the pixels."""
    psnr = outcome.round_trip.psnr
    return {
        "note": SENTENCE,
        "settings": outcome.settings.model_dump(),
        "model": {"name": model.name, "sha256": model.digest, "size": model.size, **_published(model)},
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
        },
    }


def to_png(image: Image.Image, written: Mapping[str, Any] | None) -> bytes:
    """The image as PNG with the record inside, if one is given, and always the note that a model changed it."""
    chunks = PngInfo()
    if written is not None:
        chunks.add_text(KEY, json.dumps(written))
    chunks.add_text("Description", SENTENCE)
    chunks.add_text("Software", SOFTWARE)
    chunks.add_itxt("XML:com.adobe.xmp", xmp())
    stream = io.BytesIO()
    image.save(stream, "PNG", pnginfo=chunks, exif=exif())
    return stream.getvalue()


def read_settings(path: str | Path) -> Settings:
    """The settings inside a saved PNG or JSON file; no pixel is decoded.

    Raises:
        UserError: neither of the two, nothing inside, or settings that this version does not take.
    """
    try:
        written = json.loads(_text(Path(path)))
        values = written["settings"]
    except (*_UNREADABLE, Image.DecompressionBombError) as error:
        raise UserError(_NONE_INSIDE) from error
    if not isinstance(values, dict):
        raise UserError(_NONE_INSIDE)
    return parse(values)


def _published(model: Model) -> dict[str, str]:
    """Repository and commit of a model that was fetched."""
    return {name: value for name in ("source", "revision") if (value := getattr(model.origin, name))}


def _text(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(MOST_TEXT + 1)
    if start.lstrip()[:1] == b"{" and len(start) <= MOST_TEXT:
        return start.decode()
    with Image.open(path, formats=("PNG",)) as image:
        return str(image.info[KEY])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "source tree"
