"""Photographs on a command line: crops set to faces, and the result put back."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.settings import existing
from studio.core.errors import UserError
from studio.core.settings import Settings
from studio.export.photo import check_around, photo_png
from studio.images.faces import crop_on_face
from studio.images.framing import ALIGNED
from studio.models.domain import world_of
from studio.models.interface import Model
from studio.runs.events import Outcome


def add_face_flag(parser: argparse.ArgumentParser) -> None:
    """--find-face [N]."""
    parser.add_argument(
        "--find-face",
        type=int,
        nargs="?",
        const=1,
        metavar="N",
        help="crop to the Nth largest face of the picture, 1 by default, and to the largest of a second picture",
    )


def add_photo_flag(parser: argparse.ArgumentParser) -> None:
    """--in-photo PNG."""
    parser.add_argument(
        "--in-photo", type=Path, metavar="PNG", help="where to write the whole picture with the result in its crop"
    )


def face_crops(number: int | None, model: Model, first: Path, second: Path | None) -> dict[str, float]:
    """The settings that crop to faces; none where nobody asked.

    Raises:
        UserError: a picture has no face, or not so many.
    """
    if number is None:
        return {}
    world = world_of(model)
    framing = world.framing if world else ALIGNED
    crop = crop_on_face(existing(first), framing, number)
    values = {f"crop_{name}": value for name, value in crop._asdict().items()}
    if second is None:
        return values
    try:
        other = crop_on_face(existing(second), framing)
    except UserError as error:
        raise UserError(f"Second picture: {error}") from error
    return values | {f"second_{name}": value for name, value in other._asdict().items()}


def check_photo(to: Path | None, picture: Path, settings: Settings) -> None:
    """Nothing, unless a photo is asked for that would be the result itself.

    Raises:
        UserError: the crop is the whole picture.
    """
    if to is not None:
        check_around(picture, settings)


def write_photo(to: Path | None, picture: Path, outcome: Outcome, model: Model, *, marked: bool = False) -> None:
    """The whole picture with the result in it; its name goes to standard output."""
    if to is not None:
        to.write_bytes(photo_png(outcome, picture, model, marked=marked))
        print(to)
