"""`FaceNetwork`: images of faces -> embeddings, for losses that compare by cosine.

    E(x) = recognition(cut(x, square)),   square from the face's points, constant in the gradient

dlib's recognition network was trained for distances: |E(a) - E(b)| < 0.6 for images of one person. Its embeddings have
nearly the same length, so the cosine is equivalent (on photographs its correlation with the squared distance is -0.99):

    cos = 1 - distance^2 / (2 length^2),   length = 1.46,   0.6 -> 0.916

Losses use the cosine, as for other face networks. Images of different people have a cosine of about 0.85 with this
network, so a similarity must be compared with the network's threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from torch import Tensor, nn

from losses.contract import check_image
from losses.faces.align import Square
from losses.faces.find import Face, FaceFinder
from losses.faces.warp import cut

LENGTH = 1.46
DISTANCES = {"distance_0.6": 0.6, "fmr_1_percent": 0.6, "fmr_0.1_percent": 0.5}


def similarity_at(distance: float) -> float:
    """The cosine of two embeddings of length `LENGTH` at a distance."""
    return 1 - distance**2 / (2 * LENGTH**2)


class Recogniser(Protocol):
    """A frozen recognition network: cropped faces (b, 3, size, size) in [-1, 1] -> embeddings (b, d)."""

    size: int

    def place(self, points: Tensor) -> Square:
        """The crop for a face with these points (68, 2) in pixels."""

    def __call__(self, face: Tensor) -> Tensor:
        """See the class."""


class FaceNetwork(nn.Module):
    """Images (b, 3, h, w) in [-1, 1], each with a face -> embeddings (b, d); d = 128 for dlib's network.

    Each call detects the largest face of each image. `at` returns a network with fixed crops, which is better while an
    image is optimised: the crop is the same in every step, and there is no detection.

    Args:
        finder: detection and landmarks.
        recognition: the recognition network.
        thresholds: by name, the cosine above which two images show one person.
    """

    def __init__(self, finder: FaceFinder, recognition: Recogniser, thresholds: Mapping[str, float]) -> None:
        super().__init__()
        self.finder, self.recognition, self.thresholds = finder, recognition, dict(thresholds)

    def faces(self, image: Tensor) -> list[Face]:
        """The faces of one image (1, 3, h, w), the largest first; may be empty."""
        return self.finder.find(image.detach())

    def forward(self, image: Tensor) -> Tensor:
        """See the class.

        Raises:
            NoFaceFound: no face was found in an image.
        """
        return self.recognition(cut(image, self.squares(image), self.recognition.size))

    def squares(self, image: Tensor) -> list[Square]:
        """The crop of the largest face of each image (b, 3, h, w), in pixels.

        Raises:
            NoFaceFound: no face was found in an image.
        """
        faces = (self.finder.largest(one[None]) for one in check_image(image).detach())
        return [self.recognition.place(face.points) for face in faces]

    def at(self, start: Tensor) -> FixedFaceNetwork:
        """The network with the crops of the largest faces of start images, (1, 3, h, w) or (b, 3, h, w).

        Raises:
            NoFaceFound: no face was found in an image.
        """
        return self.at_squares(self.squares(start), start.shape[-1])

    def at_squares(self, squares: Sequence[Square], width: int) -> FixedFaceNetwork:
        """The network with known crops, in pixels of images of this width."""
        return FixedFaceNetwork(self.recognition, squares, width, self.thresholds)


class FixedFaceNetwork(nn.Module):
    """A face network with fixed crops: images (b, 3, h, w) in [-1, 1] -> embeddings (b, d).

    Args:
        recognition: the recognition network.
        squares: one crop for all images, or b crops.
        width: width in pixels of the images that the crops refer to; for other widths the crops are scaled.
        thresholds: as for `FaceNetwork`.
    """

    def __init__(
        self, recognition: Recogniser, squares: Sequence[Square], width: int, thresholds: Mapping[str, float]
    ) -> None:
        super().__init__()
        self.recognition, self.squares, self.width = recognition, tuple(squares), width
        self.thresholds = dict(thresholds)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        scale = check_image(image).shape[-1] / self.width
        squares = [Square(s.x * scale, s.y * scale, s.side * scale, s.turn) for s in self.squares]
        return self.recognition(cut(image, squares, self.recognition.size))
