"""`find_faces`: the faces in an image file, the largest first, each with its crop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from PIL import Image

from losses.faces import Face, FaceFinder, NoFaceFound, load_finder
from losses.faces.load import DEFAULT_FOLDER
from studio.core.checksums import verify
from studio.core.errors import UserError, log
from studio.images.crop import Crop, crop_image
from studio.images.framing import Framing, crop_of, face_square, is_similar, rounded
from studio.images.load import QUEUE_TIMEOUT, WholeImage, load_whole, to_tensor
from studio.images.person import is_face

LARGEST_SIDE = 768
"""Pixels of the longer side of the detector's input; the detector resizes it to 416 and 608."""
MAX_FACES = 8
THUMBNAIL = 96
_DETECTING = Lock()


class FaceCrop(NamedTuple):
    """The crop of a face, rounded to the sliders' steps, and a thumbnail of it."""

    crop: Crop
    picture: Image.Image


class Faces(NamedTuple):
    """The faces found in an image of width x height."""

    width: int
    height: int
    found: tuple[FaceCrop, ...]

    @property
    def needs_no_crop(self) -> bool:
        """Whether the image has one face, and its largest centred square is similar to that face's crop."""
        return len(self.found) == 1 and is_similar(self.found[0].crop, Crop(), self.width, self.height)


def find_faces(path: str | Path, framing: Framing) -> Faces:
    """At most `MAX_FACES` faces of an image file, the largest first; there may be none.

    One search runs at a time. On one core it takes 0.1 s for a photograph with a face, and up to 2 s without one.

    Args:
        path: an image file as in `load_picture`.
        framing: the face's size and position in the crops.

    Raises:
        UserError: as `load_picture`; or other searches take longer than `QUEUE_TIMEOUT`.
    """
    whole, faces = detect(path)
    size = whole.image.width, whole.image.height
    crops = [rounded(crop_of(face_square(face.square, framing), *size)) for face in faces[:MAX_FACES]]
    found = tuple(FaceCrop(crop, crop_image(whole.image, THUMBNAIL, crop)) for crop in crops)
    return Faces(whole.width, whole.height, found)


def detect(path: str | Path) -> tuple[WholeImage, list[Face]]:
    """An image file, its longer side at most `LARGEST_SIDE` pixels, and the faces in it, the largest first.

    Raises:
        UserError: as `find_faces`.
    """
    whole = load_whole(path, LARGEST_SIDE)
    if not _DETECTING.acquire(timeout=QUEUE_TIMEOUT):
        raise UserError("The face detector is busy with other pictures: set the crop by hand.")
    try:
        finder, image = _detector(), to_tensor(whole.image)
        return whole, [face for face in finder.find(image) if is_face(finder, image, face)]
    except (FileNotFoundError, ValueError) as error:
        log.error("The face detector cannot be used", exc_info=error)
        raise UserError("The face detector's files are missing or damaged: set the crop by hand.") from error
    finally:
        _DETECTING.release()


def crop_on_face(path: str | Path, framing: Framing, number: int = 1) -> Crop:
    """The crop of one face; number 1 is the largest.

    Raises:
        UserError: the image has no face, or fewer than `number`.
    """
    found: Sequence[FaceCrop] = find_faces(path, framing).found
    if not found:
        raise UserError(str(NoFaceFound()))
    if not 1 <= number <= len(found):
        raise UserError(f"Choose a face from 1 to {len(found)}: this many were found, but face {number} was asked for.")
    return found[number - 1].crop


@cache
def _detector() -> FaceFinder:
    verify(DEFAULT_FOLDER)
    return load_finder(DEFAULT_FOLDER)
