"""Faces of a picture, each with its 68 points.

The detector knows faces with room around them, of about a tenth to two thirds of the side it sees. A photograph is
therefore looked at as it is, at two sides; a picture that is all face is then looked at again with a frame of its mean
colour, half its side wide, at smaller and smaller sides. The first look that finds a face is kept. Two things are
not taken for faces, whatever the detector says: what lies mostly in the frame, and what would stand on its head.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from losses.contract import check_image
from losses.faces.align import Square, chip
from losses.faces.detector import Detector, detect
from losses.faces.landmarks import Landmarks

MOST_TURN = math.radians(75)
LOOKS = ((416, 0.0), (608, 0.0), (416, 0.5), (320, 0.5), (224, 0.5), (160, 0.5))


class NoFaceFound(ValueError):
    """No look at a picture finds a face. Its text is safe to show."""

    def __init__(self) -> None:
        super().__init__("No face was found in this picture: choose one in which a face is seen from the front.")


@dataclass(frozen=True)
class Face:
    """One face of a picture, in its pixels.

    Args:
        box: left, top, right, bottom; may reach beyond the picture.
        score: how sure the detector is, 0 to 1.
        points: (68, 2), x and y.
    """

    box: tuple[float, float, float, float]
    score: float
    points: Tensor

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    @property
    def square(self) -> Square:
        """Where the recognition network sees it."""
        return chip(self.points)


class FaceFinder(nn.Module):
    """Detector and landmarks together."""

    def __init__(self, detector: Detector, landmarks: Landmarks) -> None:
        super().__init__()
        self.detector, self.landmarks = detector, landmarks

    @torch.no_grad()
    def look(self, image: Tensor, size: int = 416, threshold: float = 0.5) -> list[Face]:
        """One look, as the package does it: (1, 3, h, w) in [-1, 1] -> faces, the surest first."""
        weight = next(self.parameters())
        image = check_image(image).to(weight)
        if len(image) != 1:
            raise ValueError(f"Faces are looked for in one picture at a time; got {len(image)}.")
        corners, scores = detect(self.detector, image, size, threshold)
        seen = zip(corners.tolist(), scores.tolist(), strict=True)
        return [face for box, score in seen if (face := self._face(image, box, score))]

    @torch.no_grad()
    def find(self, image: Tensor, threshold: float = 0.5) -> list[Face]:
        """The faces of (1, 3, h, w) in [-1, 1] by the first look that finds any, the largest first; may be none."""
        for size, frame in LOOKS:
            border = round(frame * max(image.shape[-2:]))
            seen = [_shifted(face, border) for face in self.look(_framed(image, border), size, threshold)]
            if found := [face for face in seen if _is_likely(face, image)]:
                return sorted(found, key=lambda face: -face.area)
        return []

    def largest(self, image: Tensor) -> Face:
        """The largest face of (1, 3, h, w) in [-1, 1].

        Raises:
            NoFaceFound: there is none.
        """
        found = self.find(image)
        if not found:
            raise NoFaceFound
        return found[0]

    def _face(self, image: Tensor, box: list[float], score: float) -> Face | None:
        """The face in a box; None where the box leaves nothing of the picture."""
        height, width = image.shape[-2:]
        left, top = max(box[0], 0.0), max(box[1], 0.0)
        w, h = int(min(box[2] - left, width - left)), int(min(box[3] - top, height - top))
        if w < 1 or h < 1:
            return None
        part = image[..., int(top) : int(top) + h, int(left) : int(left) + w]
        # the package puts the points where the box begins, even where the picture begins later
        points = self.landmarks(part)[0] * image.new_tensor([w, h]) + image.new_tensor([box[0], box[1]])
        return Face((box[0], box[1], box[2], box[3]), score, points)


def _framed(image: Tensor, border: int) -> Tensor:
    """The picture with a frame of its mean colour."""
    if not border:
        return image
    mean = image.mean(dim=(2, 3), keepdim=True)
    return F.pad(image - mean, (border,) * 4) + mean


def _shifted(face: Face, border: int) -> Face:
    """The face in the pixels of the picture without its frame."""
    left, top, right, bottom = (edge - border for edge in face.box)
    return Face((left, top, right, bottom), face.score, face.points - border)


def _is_likely(face: Face, image: Tensor) -> bool:
    """Whether the face's middle lies in the picture, and its eyes above its mouth."""
    height, width = image.shape[-2:]
    square = face.square
    return 0 <= square.x <= width and 0 <= square.y <= height and abs(square.turn) <= MOST_TURN
