"""Photographs on the command line: crops around faces, and results pasted back."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.settings import existing
from studio.core.errors import UserError
from studio.core.settings import Settings
from studio.export.photo import check_cropped, photo_png
from studio.images.faces import crop_on_face
from studio.images.framing import ALIGNED
from studio.models.domain import domain_of
from studio.models.interface import Model
from studio.runs.events import Outcome


def add_face_flag(parser: argparse.ArgumentParser) -> None:
    """Add --find-face [N]."""
    parser.add_argument(
        "--find-face",
        type=int,
        nargs="?",
        const=1,
        metavar="N",
        help="crop to the Nth largest face of the image (1 by default), and to the largest face of a second image",
    )


def add_photo_flag(parser: argparse.ArgumentParser) -> None:
    """Add --in-photo PNG."""
    parser.add_argument(
        "--in-photo", type=Path, metavar="PNG", help="output file for the whole image with the result in its crop"
    )


def face_crops(number: int | None, model: Model, first: Path, second: Path | None) -> dict[str, float]:
    """The crop settings for the face of that number (see `--find-face`); empty if it is None.

    Raises:
        UserError: an image has no face, or fewer faces than `number`.
    """
    if number is None:
        return {}
    world = domain_of(model)
    framing = world.framing if world else ALIGNED
    crop = crop_on_face(existing(first), framing, number)
    values = {f"crop_{name}": value for name, value in crop._asdict().items()}
    if second is None:
        return values
    try:
        second_crop = crop_on_face(existing(second), framing)
    except UserError as error:
        raise UserError(f"Second picture: {error}") from error
    return values | {f"second_{name}": value for name, value in second_crop._asdict().items()}


def check_photo(output: Path | None, image: Path, settings: Settings) -> None:
    """Refuse --in-photo for a run without a crop, whose result is the whole image.

    Raises:
        UserError: the crop is the whole image.
    """
    if output is not None:
        check_cropped(image, settings)


def write_photo(output: Path | None, image: Path, outcome: Outcome, model: Model, *, marked: bool = False) -> None:
    """Write the whole image with the result in its crop, and print the file's name."""
    if output is not None:
        output.write_bytes(photo_png(outcome, image, model, marked=marked))
        print(output)
