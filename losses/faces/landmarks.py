"""68 landmarks of a face (numbered as in 300-W), by a network of dense blocks of separable convolutions.

    block:  a_0 = h_0 = relu(conv0(x));   a_k = a_{k-1} + conv_k(h_{k-1}),  h_k = relu(a_k),  k = 1..3;   output h_3

Weights of the package @vladmandic/face-api (face_landmark_68_model, 357 kB). Points 0-16 are the jaw, 17-26 the
brows, 27-35 the nose, 36-41 and 42-47 the eyes, 48-67 the mouth.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from losses.faces.pixels import centred, pad_to_square, resize_corners
from losses.faces.recognition import MEAN

SIZE = 112
POINTS = 68
_WIDTHS = (32, 64, 128, 256)


class Separable(nn.Module):
    """Depthwise 3 x 3 convolution, then a pointwise one, with TensorFlow's "same" padding.

    With stride 2 that padding is one row at the bottom and one column at the right.
    """

    def __init__(self, channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.pad = (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1)
        self.depthwise = nn.Conv2d(channels, channels, 3, stride, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, channels, h, w) -> (b, out_channels, h / stride, w / stride)."""
        out: Tensor = self.pointwise(self.depthwise(F.pad(x, self.pad)))
        return out


class _First(nn.Conv2d):
    """The first convolution, which is not separable, with TensorFlow's "same" padding."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 0, 1)))


class _Dense(nn.Module):
    """A convolution with stride 2, then three convolutions; the input of each is the rectified sum of all before it."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv0: nn.Module = _First(3, width, 3, 2) if channels == 3 else Separable(channels, width, 2)
        self.conv1, self.conv2, self.conv3 = (Separable(width, width) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        total = h = F.relu(self.conv0(x))
        for conv in (self.conv1, self.conv2, self.conv3):
            total = total + conv(h)
            h = F.relu(total)
        return h


class Landmarks(nn.Module):
    """Cropped faces (b, 3, h, w) in [-1, 1] -> points (b, 68, 2), x and y as fractions of width and height."""

    def __init__(self) -> None:
        super().__init__()
        channels = (3, *_WIDTHS)
        for i, (a, b) in enumerate(zip(channels, _WIDTHS, strict=False)):
            self.add_module(f"dense{i}", _Dense(a, b))
        self.fc = nn.Linear(_WIDTHS[-1], 2 * POINTS)

    def forward(self, face: Tensor) -> Tensor:
        """See the class; points may lie outside of [0, 1]."""
        height, width = face.shape[-2:]
        x = centred(resize_corners(pad_to_square(face, centre=True), SIZE), MEAN)
        *blocks, fc = self.children()
        for block in blocks:
            x = block(x)
        points = cast(Tensor, fc(F.avg_pool2d(x, 7).flatten(1))).view(-1, POINTS, 2)
        longer = max(height, width)
        sides = points.new_tensor([width, height])
        return (points * longer - (longer - sides) / 2) / sides
