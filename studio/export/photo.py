"""The result of a run in the photograph it was cut from: for eyes, and as a file with the same notes as any other."""

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

SHOWN = 720
"""Pixels of the longer side on the page."""
_NO_PHOTO = "This run saw its whole picture, so there is no photo around the result: choose a crop, and run again."


def result_in_photo(outcome: Outcome, path: str | Path, longest: int = LARGEST_SIDE) -> Image.Image | None:
    """A run's result in the picture it began with; None where that was seen whole.

    Raises:
        UserError: as `load_picture`; uploads are deleted after a while.
    """
    whole, crop = load_whole(path, longest), Crop.of_first(outcome.settings)
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
    """What the comparison shows beside before and after; nothing for a picture that was seen whole or is gone."""
    try:
        picture = None if path is None else result_in_photo(outcome, path, SHOWN)
    except UserError:
        return {}
    if picture is None:
        return {}
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90)
    return {"photo": f"data:image/jpeg;base64,{b64encode(stream.getvalue()).decode()}"}


def check_around(path: str | Path, settings: Settings) -> None:
    """Nothing, where a run with these settings leaves some of the picture out.

    Raises:
        UserError: as `load_picture`, or it sees the whole.
    """
    whole = load_whole(path, 64)
    if not is_part(Crop.of_first(settings), whole.width, whole.height):
        raise UserError(_NO_PHOTO)


def photo_png(outcome: Outcome, path: str | Path, model: Model, *, inside: bool = True, marked: bool = False) -> bytes:
    """The photograph with the result in it, as PNG.

    Args:
        outcome: the run.
        path: the file that it began with.
        model: what made it.
        inside: whether the settings go into it.
        marked: whether it bears the corner label; the note in its metadata is always there.

    Raises:
        UserError: the file is gone, or there is nothing around the crop.
    """
    picture = result_in_photo(outcome, path)
    if picture is None:
        raise UserError(_NO_PHOTO)
    written = {**record(outcome, model), "in_photo": list(picture.size)} if inside else None
    return to_png(draw_label(picture) if marked else picture, written)


def save_photo(
    outcome: Outcome, path: str | Path, model: Model, folder: Path, inside: bool = True, *, marked: bool = False
) -> Path:
    """The file of `photo_png` in a folder, named as the run's others are."""
    file = folder / f"{name(outcome)}-photo.png"
    file.write_bytes(photo_png(outcome, path, model, inside=inside, marked=marked))
    return file
