"""`likeness_of`: the clay likeness of a person in a photograph. Nothing of the photograph is kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from clay.likeness.candidates import candidates
from clay.likeness.guess import DEFAULT_FOLDER, Guess, Reader
from clay.people.dataset import Scene
from clay.people.ranges import scene_of_values, values_of
from losses.faces import NoFaceFound
from studio.core.checksums import verify
from studio.core.errors import UserError, log
from studio.images.crop import crop_image
from studio.images.faces import THUMBNAIL, detect
from studio.images.framing import CLAY, crop_of, face_square
from studio.images.load import to_tensor
from studio.images.person import person_of
from studio.images.renders import render_of

SMALLEST_FACE = 60
"""Pixels of the width of a face in the file."""


class Likeness(NamedTuple):
    """A caricature.

    Args:
        photo: thumbnail of the face.
        scenes: three candidates, the most likely first.
        notes: what could not be measured, and what was assumed instead.
    """

    photo: Image.Image
    scenes: tuple[Scene, ...]
    notes: tuple[str, ...]


def likeness_of(path: str | Path, number: int = 1) -> Likeness:
    """The likeness of one face in an image file; number 1 is the largest. On one core it takes about 0.3 s.

    Raises:
        UserError: as `find_faces`; no face, fewer than `number`, or a face narrower than `SMALLEST_FACE`.
    """
    whole, faces = detect(path)
    if not faces:
        raise UserError(str(NoFaceFound()))
    if not 1 <= number <= len(faces):
        raise UserError(f"Choose a face from 1 to {len(faces)}: this many were found, but face {number} was asked for.")
    face = faces[number - 1]
    width = round((face.box[2] - face.box[0]) * whole.width / whole.image.width)
    if width < SMALLEST_FACE:
        raise UserError(
            f"This face is {width} pixels wide, and a likeness needs at least {SMALLEST_FACE}: "
            "choose a larger picture, or design the face by hand."
        )
    crop = crop_of(face_square(face.square, CLAY), *whole.image.size)
    try:
        image = to_tensor(whole.image)
        parsed = _reader().parse(image, face.points)
        render = render_of(whole.image, face.square, parsed)
        if render is None:
            parsed = parsed.of_person(person_of(image, face.points))
        guess = _reader().read(parsed, render)
    except (FileNotFoundError, ValueError) as error:
        log.error("The networks of the likeness cannot be used", exc_info=error)
        raise UserError("The files of the likeness are missing or damaged: design the face by hand.") from error
    return Likeness(
        crop_image(whole.image, THUMBNAIL, crop), tuple(candidates(guess)), _notes(guess, len(faces), render is None)
    )


def changed_by_hand(likeness: Likeness, values: Mapping[str, object]) -> Likeness:
    """The likeness with some values of its first candidate set by hand (`clay.people.ranges`).

    Raises:
        UserError: a name is unknown, or a value is none that it can have.
    """
    try:
        first = scene_of_values({**values_of(likeness.scenes[0]), **values})
    except ValueError as error:
        raise UserError(str(error)) from error
    return likeness._replace(scenes=(first, *likeness.scenes[1:]))


def _notes(guess: Guess, faces: int, photo: bool) -> tuple[str, ...]:
    notes = {
        f"{faces} faces were found, and the largest was used: crop the picture for another one.": faces > 1,
        "The face is seen from the side, so its shape is uncertain.": guess.shape.profile,
        "The picture has no colours: the skin has a default colour, and the hair black, brown or grey.": (
            guess.light.grey
        ),
        "The light is coloured, so the colours were corrected and may be wrong.": guess.light.corrected,
        "The picture is dark and was brightened, so the skin may be wrong.": guess.light.dim,
        "The picture shows a clay face already: its values were read as those of a rendered face.": not photo,
    }
    return tuple(note for note, applies in notes.items() if applies)


@cache
def _reader() -> Reader:
    verify(DEFAULT_FOLDER)
    return Reader.from_folder()
