"""Face detection: a tiny network in the manner of YOLOv2 (Redmon and Farhadi 2017, arXiv 1612.08242), 193 kB.

An image of side s gives a grid of n = s / 32 cells, and each cell (i, j) five predictions, one per anchor (a_w, a_h):

    centre = ((j + sigmoid(u)) / n, (i + sigmoid(v)) / n),   size = (a_w e^w / n, a_h e^h / n),   score = sigmoid(c)

as fractions of the square image's side. Weights of the package @vladmandic/face-api (tiny_face_detector_model).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import nms

from losses.faces.landmarks import Separable
from losses.faces.pixels import centred, pad_to_square, resize_corners

MEAN = (117.001, 114.697, 97.404)
OVERLAP = 0.4
_ANCHORS = (
    (1.603231, 2.094468),
    (6.041143, 7.080126),
    (2.882459, 3.518061),
    (4.266906, 5.178857),
    (9.041765, 10.66308),
)
_WIDTHS = (16, 32, 64, 128, 256, 512)
_CELL = 32


class Detector(nn.Module):
    """Square images (b, 3, s, s) in [-1, 1], s a multiple of 32 -> raw predictions (b, n, n, 5, 5): u, v, w, h, c."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, _WIDTHS[0], 3)
        for i in range(1, len(_WIDTHS)):
            self.add_module(f"conv{i}", Separable(_WIDTHS[i - 1], _WIDTHS[i]))
        self.conv8 = nn.Conv2d(_WIDTHS[-1], 5 * len(_ANCHORS), 1)

    def forward(self, image: Tensor) -> Tensor:
        """See the class.

        Raises:
            ValueError: the image is not square, or its side is not a multiple of 32.
        """
        height, width = image.shape[-2:]
        if height != width or height % _CELL:
            raise ValueError(f"The detector needs a square with a side in steps of {_CELL}; got {height} x {width}.")
        *convs, last = self.children()
        x = centred(image, MEAN)
        for i, conv in enumerate(convs):
            x = F.leaky_relu(conv(x), 0.1)
            if i < len(convs) - 1:
                x = F.max_pool2d(x, 2, 2, ceil_mode=True)
            else:  # the last pooling keeps the side; the padding must not affect the maximum
                x = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 2, 1)
        raw: Tensor = last(x).permute(0, 2, 3, 1)
        return raw.reshape(*raw.shape[:3], len(_ANCHORS), 5)


def boxes(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes and scores of one image's raw predictions (n, n, 5, 5).

    Returns:
        Boxes (n n 5, 4): left, top, right, bottom as fractions of the side; scores (n n 5,) in [0, 1].
    """
    n = len(raw)
    u, v, w, h, c = raw.unbind(-1)
    places = torch.arange(n).to(raw)
    wide, high = raw.new_tensor(_ANCHORS).unbind(-1)
    x, y = (u.sigmoid() + places.view(1, -1, 1)) / n, (v.sigmoid() + places.view(-1, 1, 1)) / n
    half_w, half_h = wide * w.exp() / n / 2, high * h.exp() / n / 2
    corners = torch.stack([x - half_w, y - half_h, x + half_w, y + half_h], dim=-1)
    return corners.flatten(0, 2), c.sigmoid().flatten()


@torch.no_grad()
def detect(detector: Detector, image: Tensor, size: int, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
    """Detect faces in one image, in order of falling score.

    Args:
        detector: the network.
        image: (1, 3, h, w) in [-1, 1]; it is padded to a square with black.
        size: side of the detector's input, a multiple of 32.
        threshold: smallest score of a face, in [0, 1].

    Returns:
        Boxes (k, 4): left, top, right, bottom in the image's pixels, not clipped; scores (k,).
    """
    raw = detector(resize_corners(pad_to_square(image, centre=False), size))[0]
    corners, scores = boxes(raw)
    sure = scores > threshold
    corners, scores = corners[sure] * _extent(image, size), scores[sure]
    kept = nms(corners, scores, OVERLAP)
    return corners[kept], scores[kept]


def _extent(image: Tensor, size: int) -> Tensor:
    """The side of the padded square in the image's pixels along x, y, x, y; (4,).

    As in the package, the shorter side is rounded to whole pixels of the detector's input.
    """
    height, width = image.shape[-2:]
    scale = size / max(height, width)
    across, down = (side * size / math.floor(side * scale + 0.5) for side in (width, height))
    return image.new_tensor([across, down, across, down])
