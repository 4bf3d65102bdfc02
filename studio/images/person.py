"""Where a photograph shows a person, and whether what the face detector found is a face."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from clay.likeness.frame import eye_frame, places_along, reduced
from clay.likeness.points import eyes_of
from losses.faces import Face, FaceFinder, PersonSegmenter, load_segmenter
from losses.faces.load import DEFAULT_FOLDER
from losses.faces.person import SIZE
from studio.core.checksums import verify

_MIDDLE = ((-0.8, 0.8), (-0.4, 1.3))
"""u and v of the middle of a face in the frame of its eyes."""
_PERSON, _AGAIN = 0.5, 0.55
"""A face has at least this mean probability of a person in its middle, or this score at a second look."""


def person_of(image: Tensor, points: Tensor) -> Tensor:
    """Where the frame of a face's eyes shows a person, (1, 1, n, n)."""
    crop = eye_frame(*reduced(image, eyes_of(points)[None], SIZE), SIZE)
    with torch.no_grad():
        found: Tensor = _segmenter()(crop)
    return found


def is_face(finder: FaceFinder, image: Tensor, face: Face) -> bool:
    """Whether what was found shows a person, or is found again on its own: a drawing or a render.

    Both fail for half of what the detector takes for faces in landscapes and screenshots.
    """
    person = person_of(image, face.points)
    steps = places_along(person.shape[-1])
    u, v = ((low < steps) & (steps < high) for low, high in _MIDDLE)
    return float(person[0, 0, v][:, u].mean()) > _PERSON or finder.again(image, face) > _AGAIN


@cache
def _segmenter() -> PersonSegmenter:
    verify(DEFAULT_FOLDER)
    return load_segmenter(DEFAULT_FOLDER)
