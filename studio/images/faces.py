"""`find_faces`: the faces of a picture's file, largest first, each with the crop that shows it to a model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from PIL import Image

from losses.faces import FaceFinder, NoFaceFound, load_finder
from losses.faces.load import DEFAULT_FOLDER
from studio.core.checksums import verify
from studio.core.errors import UserError, log
from studio.images.crop import Crop, square
from studio.images.framing import Framing, around, crop_of, near, stepped
from studio.images.load import PATIENCE, load_whole, to_tensor

LARGEST_SIDE = 768
"""Pixels of the longer side that the finder gets; it looks at 416 and 608 itself."""
MOST_FACES = 8
THUMBNAIL = 96
_NO_FINDER = "Faces cannot be looked for here, because the network for it is damaged: set the crop by hand."
_FINDING = Lock()


class Found(NamedTuple):
    """A face: the crop to set, as the sliders can hold it, and a small picture of what it shows."""

    crop: Crop
    picture: Image.Image


class Faces(NamedTuple):
    """The faces of a picture of width x height."""

    width: int
    height: int
    found: tuple[Found, ...]

    @property
    def fits(self) -> bool:
        """Whether the picture shows one face, and as a whole about as its crop would."""
        return len(self.found) == 1 and near(self.found[0].crop, Crop(), self.width, self.height)


def find_faces(path: str | Path, framing: Framing) -> Faces:
    """At most `MOST_FACES` faces of a file, the largest first; there may be none.

    One search at a time: on one core it takes a tenth of a second for a photograph with a face in it, and up to two
    seconds where there is none.

    Args:
        path: a picture as `load_picture` takes it.
        framing: how much room the crops leave.

    Raises:
        UserError: as `load_picture`, or others search for longer than anyone waits.
    """
    whole = load_whole(path, LARGEST_SIDE)
    if not _FINDING.acquire(timeout=PATIENCE):
        raise UserError("Faces are being looked for in many pictures at the moment: set the crop by hand.")
    try:
        faces = _finder().find(to_tensor(whole.image))
    except (FileNotFoundError, ValueError) as error:
        log.error("Faces cannot be looked for", exc_info=error)
        raise UserError(
            "Faces cannot be looked for here, because the network for it is damaged: set the crop by hand."
        ) from error
    finally:
        _FINDING.release()
    scale = whole.image.width, whole.image.height
    crops = [stepped(crop_of(around(face.square, framing), *scale)) for face in faces[:MOST_FACES]]
    found = tuple(Found(crop, square(whole.image, THUMBNAIL, crop)) for crop in crops)
    return Faces(whole.width, whole.height, found)


def crop_on_face(path: str | Path, framing: Framing, number: int = 1) -> Crop:
    """The crop of one face, by its place among the faces from the largest, 1, on.

    Raises:
        UserError: no face, or not so many.
    """
    found: Sequence[Found] = find_faces(path, framing).found
    if not found:
        raise UserError(str(NoFaceFound()))
    if not 1 <= number <= len(found):
        raise UserError(f"Choose a face from 1 to {len(found)}: so many were found, and {number} was asked for.")
    return found[number - 1].crop


@cache
def _finder() -> FaceFinder:
    verify(DEFAULT_FOLDER)
    return load_finder(DEFAULT_FOLDER)
