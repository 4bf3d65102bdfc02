"""`Record`: what a saved picture knows about itself, as JSON in one text chunk of the PNG.

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

from studio.events import Outcome
from studio.messages import UserError
from studio.model import Model
from studio.settings import Settings, parse

KEY = "adjointdeis-studio"
_NONE_INSIDE = "This file holds no settings: choose a PNG that was saved on this page."


def record(outcome: Outcome, model: Model) -> dict[str, Any]:
    """The JSON object to write beside the pixels."""
    psnr = outcome.round_trip.psnr
    return {
        "settings": outcome.settings.model_dump(),
        "model": {"name": model.name, "sha256": model.digest, "size": model.size},
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
        },
    }


def to_png(image: Image.Image, written: Mapping[str, Any]) -> bytes:
    """The image as PNG with the record inside, and the note that a model changed it."""
    chunks = PngInfo()
    chunks.add_text(KEY, json.dumps(written))
    chunks.add_text("Description", "Synthetic: changed by a diffusion model (AdjointDEIS Studio).")
    stream = io.BytesIO()
    image.save(stream, "PNG", pnginfo=chunks)
    return stream.getvalue()


def read_settings(path: str | Path) -> Settings:
    """The settings inside a saved PNG; no pixel is decoded.

    Raises:
        UserError: not a PNG, nothing inside, or settings that this version does not take.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            written = json.loads(image.info[KEY])
        values = written["settings"]
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, Image.DecompressionBombError) as error:
        raise UserError(_NONE_INSIDE) from error
    if not isinstance(values, dict):
        raise UserError(_NONE_INSIDE)
    return parse(values)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "source tree"
