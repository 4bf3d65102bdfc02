"""`FaceNetwork`: pictures with a face in them -> who it is, for losses that compare by cosine.

    E(x) = recognition(cut(x, square)),   square from the face's points, held constant in the gradient

The recognition network was trained for distances, one person being |E(a) - E(b)| < 0.6. Its embeddings all have
about one length, so the cosine says the same (on photographs the correlation with the squared distance is -0.99):

    cos = 1 - distance^2 / (2 length^2),   length = 1.46,   0.6 -> 0.916

Losses take the cosine, because every other face network is compared by it. Mind the scale: strangers have a
similarity of about 0.85 here, so a similarity says little without the threshold beside it.
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
    """The cosine of two embeddings of the usual length that lie so far apart."""
    return 1 - distance**2 / (2 * LENGTH**2)


class Recogniser(Protocol):
    """A frozen torch module that tells cut-out faces (b, 3, size, size) in [-1, 1] apart: -> (b, d)."""

    size: int

    def place(self, points: Tensor) -> Square:
        """Where a face with these 68 points (68, 2) is cut out for it."""

    def __call__(self, face: Tensor) -> Tensor:
        """See the class."""


class FaceNetwork(nn.Module):
    """Pictures (b, 3, h, w) in [-1, 1], a face in each -> (b, d); d = 128 for dlib's.

    Every picture's largest face is looked for each time. While a picture is being steered, `at` is better: the same
    place in every step, and no time spent on looking.

    Args:
        finder: where faces are.
        recognition: whose they are.
        thresholds: cosines above which two pictures count as one person, by name.
    """

    def __init__(self, finder: FaceFinder, recognition: Recogniser, thresholds: Mapping[str, float]) -> None:
        super().__init__()
        self.finder, self.recognition, self.thresholds = finder, recognition, dict(thresholds)

    def faces(self, image: Tensor) -> list[Face]:
        """The faces of one picture (1, 3, h, w), the largest first; may be none."""
        return self.finder.find(image.detach())

    def forward(self, image: Tensor) -> Tensor:
        """See the class.

        Raises:
            NoFaceFound: a picture has none; the sentence is safe to show.
        """
        return self.recognition(cut(image, self.squares(image), self.recognition.size))

    def squares(self, image: Tensor) -> list[Square]:
        """Where the largest face of every picture is.

        Raises:
            NoFaceFound: a picture has none.
        """
        seen = (self.finder.largest(one[None]) for one in check_image(image).detach())
        return [self.recognition.place(face.points) for face in seen]

    def at(self, start: Tensor) -> FixedFaceNetwork:
        """The same network looking where the largest face of the start picture is, (1, 3, h, w) or (b, 3, h, w).

        Raises:
            NoFaceFound: a picture has none.
        """
        return self.at_squares(self.squares(start), start.shape[-1])

    def at_squares(self, squares: Sequence[Square], width: int) -> FixedFaceNetwork:
        """The same network looking at known places, given in pixels of pictures that are so wide."""
        return FixedFaceNetwork(self.recognition, squares, width, self.thresholds)


class FixedFaceNetwork(nn.Module):
    """Pictures (b, 3, h, w) in [-1, 1] with their faces in known places -> (b, d).

    Args:
        recognition: whose they are.
        squares: one place for all pictures, or b.
        width: of the pictures that the places were found in; pictures of other widths are the same ones, resized.
        thresholds: as for FaceNetwork.
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
