"""`FaceFinder`: the faces of an image, each with its 68 points.

The detector finds faces of about a tenth to two thirds of the side of its input. `FaceFinder.find` makes several
passes: first on the image at two input sizes, then on the image with a frame of its mean colour, half its side wide, at
four smaller sizes, for images that are filled by a face. It returns the result of the first pass that finds a face.
Detections whose centre lies in the frame and those that are upside down are dropped.
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

_MAX_TURN = math.radians(75)
_PASSES = ((416, 0.0), (608, 0.0), (416, 0.5), (320, 0.5), (224, 0.5), (160, 0.5))

_AGAIN = (160, 224)
"""Sides of the detector's input for a part of an image that holds one face."""


class NoFaceFound(ValueError):
    """No face was found in an image. The message contains nothing private and may be shown."""

    def __init__(self) -> None:
        super().__init__("No face was found in this picture: choose one in which a face is seen from the front.")


@dataclass(frozen=True)
class Face:
    """A face, in the image's pixels.

    Args:
        box: left, top, right, bottom; may extend beyond the image.
        score: the detector's score, 0 to 1.
        points: (68, 2), x and y.
    """

    box: tuple[float, float, float, float]
    score: float
    points: Tensor

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    @property
    def square(self) -> Square:
        """The crop for dlib's recognition network."""
        return chip(self.points)


class FaceFinder(nn.Module):
    """Detector and landmark network."""

    def __init__(self, detector: Detector, landmarks: Landmarks) -> None:
        super().__init__()
        self.detector, self.landmarks = detector, landmarks

    @torch.no_grad()
    def detect(self, image: Tensor, size: int = 416, threshold: float = 0.5) -> list[Face]:
        """One pass, as in the package: the faces of (1, 3, h, w) in [-1, 1], in order of falling score.

        Args:
            image: one image.
            size: side of the detector's input, a multiple of 32.
            threshold: smallest score of a face, in [0, 1].

        Raises:
            ValueError: there is more than one image.
        """
        weight = next(self.parameters())
        image = check_image(image).to(weight)
        if len(image) != 1:
            raise ValueError(f"Faces are detected in one image at a time; got {len(image)}: pass them one by one.")
        corners, scores = detect(self.detector, image, size, threshold)
        found = zip(corners.tolist(), scores.tolist(), strict=True)
        return [face for box, score in found if (face := self._face(image, box, score))]

    @torch.no_grad()
    def find(self, image: Tensor, threshold: float = 0.5) -> list[Face]:
        """The faces of (1, 3, h, w) in [-1, 1] by the first pass that finds any, the largest first; may be empty."""
        for size, frame in _PASSES:
            border = round(frame * max(image.shape[-2:]))
            faces = [_shifted(face, border) for face in self.detect(_framed(image, border), size, threshold)]
            if found := [face for face in faces if _is_likely(face, image)]:
                return sorted(found, key=lambda face: -face.area)
        return []

    @torch.no_grad()
    def again(self, image: Tensor, face: Face) -> float:
        """The highest score of a face where one was found: in a square twice as wide as its box, at two input sizes.

        Args:
            image: the image of `find`.
            face: one of its faces.
        """
        half = max(face.box[2] - face.box[0], face.box[3] - face.box[1])
        border = math.ceil(1.5 * half)  # the centre of a face lies in the image
        left, top = (round((low + high) / 2 - half) + border for low, high in zip(face.box, face.box[2:], strict=False))
        side = round(2 * half)
        part = _framed(image, border)[..., top : top + side, left : left + side]
        return max((one.score for size in _AGAIN for one in self.detect(part, size, 0.0)), default=0.0)

    def largest(self, image: Tensor) -> Face:
        """The largest face of (1, 3, h, w) in [-1, 1].

        Raises:
            NoFaceFound: no face was found.
        """
        found = self.find(image)
        if not found:
            raise NoFaceFound
        return found[0]

    def _face(self, image: Tensor, box: list[float], score: float) -> Face | None:
        """The face in a box; None if the box and the image do not overlap."""
        height, width = image.shape[-2:]
        left, top = max(box[0], 0.0), max(box[1], 0.0)
        w, h = int(min(box[2] - left, width - left)), int(min(box[3] - top, height - top))
        if w < 1 or h < 1:
            return None
        part = image[..., int(top) : int(top) + h, int(left) : int(left) + w]
        # as in the package, relative to the box's corner even if that lies outside of the image
        points = self.landmarks(part)[0] * image.new_tensor([w, h]) + image.new_tensor([box[0], box[1]])
        return Face((box[0], box[1], box[2], box[3]), score, points)


def _framed(image: Tensor, border: int) -> Tensor:
    """The image with a frame of its mean colour, `border` pixels wide."""
    if not border:
        return image
    mean = image.mean(dim=(2, 3), keepdim=True)
    return F.pad(image - mean, (border,) * 4) + mean


def _shifted(face: Face, border: int) -> Face:
    """The face in the coordinates of the image without its frame."""
    left, top, right, bottom = (edge - border for edge in face.box)
    return Face((left, top, right, bottom), face.score, face.points - border)


def _is_likely(face: Face, image: Tensor) -> bool:
    """Whether the centre of the face lies in the image, and it is not upside down."""
    height, width = image.shape[-2:]
    square = face.square
    return 0 <= square.x <= width and 0 <= square.y <= height and abs(square.turn) <= _MAX_TURN
