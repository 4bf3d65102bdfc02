"""The result of a run pasted into its photograph: for the page, and as a file with the metadata of other files."""

from __future__ import annotations

import io
from base64 import b64encode
from pathlib import Path
from typing import Any

from PIL import Image

from losses.faces import Square
from studio.core.errors import UserError
from studio.core.settings import Settings
from studio.export.files import name
from studio.export.metadata import record, to_png
from studio.images.crop import Crop
from studio.images.framing import square_of
from studio.images.label import draw_label
from studio.images.load import load_whole
from studio.images.paste import LARGEST_SIDE, in_photo, is_part
from studio.models.interface import Model
from studio.runs.events import Outcome

PREVIEW_SIDE = 720
"""Pixels of the longer side on the page."""
_NO_CROP = "This run used its whole picture, so there is no photo around the result: choose a crop, and run again."


def result_in_photo(outcome: Outcome, path: str | Path, max_side: int = LARGEST_SIDE) -> Image.Image | None:
    """A run's result in its input image; None if the run used the whole image.

    Raises:
        UserError: as `load_picture`, for example because the upload has been deleted.
    """
    whole, crop = load_whole(path, max_side), Crop.of_first(outcome.settings)
    if not is_part(crop, whole.width, whole.height):
        return None
    place = square_of(crop, whole.width, whole.height)
    scale = whole.image.width / whole.width
    return in_photo(
        whole.image,
        Square(place.x * scale, place.y * scale, max(place.side * scale, 1.0), place.turn),
        outcome.before,
        outcome.after,
    )


def photo_view(outcome: Outcome, path: str | Path | None) -> dict[str, Any]:
    """The photograph for the viewer of before and after; empty without a crop, or if the file has been deleted."""
    try:
        photo = None if path is None else result_in_photo(outcome, path, PREVIEW_SIDE)
    except UserError:
        return {}
    if photo is None:
        return {}
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=90)
    return {"photo": f"data:image/jpeg;base64,{b64encode(stream.getvalue()).decode()}"}


def check_cropped(path: str | Path, settings: Settings) -> None:
    """Check that these settings crop the image.

    Raises:
        UserError: as `load_picture`, or the crop is the whole image.
    """
    whole = load_whole(path, 64)
    if not is_part(Crop.of_first(settings), whole.width, whole.height):
        raise UserError(_NO_CROP)


def photo_png(outcome: Outcome, path: str | Path, model: Model, *, inside: bool = True, marked: bool = False) -> bytes:
    """The photograph with the result in it, as PNG.

    Args:
        outcome: the run.
        path: its input file.
        model: the model of the run.
        inside: whether the image contains the settings.
        marked: whether it has the corner label; its metadata always has the note.

    Raises:
        UserError: the file has been deleted, or the crop is the whole image.
    """
    photo = result_in_photo(outcome, path)
    if photo is None:
        raise UserError(_NO_CROP)
    metadata = {**record(outcome, model), "in_photo": list(photo.size)} if inside else None
    return to_png(draw_label(photo) if marked else photo, metadata)


def save_photo(
    outcome: Outcome, path: str | Path, model: Model, folder: Path, inside: bool = True, *, marked: bool = False
) -> Path:
    """Write `photo_png` into a folder, and return its path."""
    file = folder / f"{name(outcome)}-photo.png"
    file.write_bytes(photo_png(outcome, path, model, inside=inside, marked=marked))
    return file
