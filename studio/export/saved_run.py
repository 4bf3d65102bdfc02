"""`SavedRun`: a run as its files hold it: the record, the pictures before and after, and the picture of every step.

RUN.png and RUN.frames.webp beside it       written by the command line
a folder or a zip of all frames             saved on the page
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from studio.core.errors import UserError
from studio.export.frames import of_tiles
from studio.export.metadata import read_record
from studio.images.files import open_picture

FRAMES = ".frames.webp"
_MOST = 2000
"""Files in a zip, and bytes in one of them."""
_LARGEST = 20 * 2**20


@dataclass(frozen=True)
class SavedRun:
    """A finished run.

    Args:
        record: see `studio.export.metadata`.
        before, after: square pictures of one size.
        frames: one for each value of the record's loss; or empty.
    """

    record: Mapping[str, Any]
    before: Image.Image
    after: Image.Image
    frames: Sequence[Image.Image] = ()


def read_run(path: Path) -> SavedRun:
    """A run from a PNG, a folder or a zip.

    Raises:
        UserError: the path holds no run, or not the pictures of its steps.
    """
    if path.is_dir():
        return _of_files({str(p.relative_to(path)): p.read_bytes() for p in _members(path)}, path.name)
    if not path.is_file():
        raise UserError(f"There is no file or folder {path}.")
    if path.suffix.lower() == ".zip":
        return _of_files(_unzipped(path), path.name)
    return _of_png(path)


def losses(record: Mapping[str, Any]) -> list[float]:
    """The total loss at every step.

    Raises:
        UserError: the record has none.
    """
    measured = record.get("measured")
    values = measured.get("loss") if isinstance(measured, Mapping) else None
    if not isinstance(values, list) or not values or not all(isinstance(v, int | float) for v in values):
        raise UserError("This file holds settings, but no measurements of a run: choose the file of a finished run.")
    return [float(v) for v in values]


def _of_png(path: Path) -> SavedRun:
    record, after = read_record(path), open_picture(path).convert("RGB")
    beside = path.with_suffix(FRAMES)
    if not beside.is_file():
        raise UserError(
            f"{path.name} holds the result of a run, but the pictures of its steps are not beside it: keep "
            f"{beside.name} with it, or give the zip “All frames” that the page saves."
        )
    frames = of_tiles(beside.read_bytes(), len(losses(record)))
    return SavedRun(record, frames[0], after, frames)


def _members(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*"))[:_MOST] if p.is_file() and p.stat().st_size <= _LARGEST]


def _unzipped(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist()[:_MOST] if m.file_size <= _LARGEST]
            return {member.filename: archive.read(member) for member in members}
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise UserError(f"{path.name} is not a zip that can be read: save it again.") from error


def _of_files(files: Mapping[str, bytes], name: str) -> SavedRun:
    if missing := [part for part in ("settings.json", "before.png", "after.png") if part not in files]:
        raise UserError(f"{name} holds no run, because {missing[0]} is missing: give the zip “All frames” of the page.")
    try:
        record = json.loads(files["settings.json"])
        steps = sorted(part for part in files if part.replace("\\", "/").startswith("steps/") and part.endswith(".png"))
        before, after, *frames = (_picture(files[part]) for part in ("before.png", "after.png", *steps))
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{name} is damaged: save it again.") from error
    if not isinstance(record, dict) or len(frames) != len(losses(record)):
        raise UserError(f"{name} does not hold the picture of every step: save it again.")
    return SavedRun(record, before, after, frames)


def _picture(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return image.convert("RGB")
