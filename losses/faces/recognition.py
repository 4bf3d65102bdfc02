"""dlib's face recognition network (King 2017, dlib_face_recognition_resnet_model_v1), a ResNet of 29 convolutions.

    E(p) = W mean_{ij} f(p),   (b, 128);   |E(a) - E(b)| < 0.6 for images of one person

It was trained on faces cropped to 150 x 150 pixels (see align.py). The embedding is not normalised; its length is about
1.4 on photographs. The weights and the input scaling (by 1/255, in dlib by 1/256) are those of the package
@vladmandic/face-api.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from losses.faces.align import chip
from losses.faces.pixels import centred

SIZE = 150
MEAN = (122.782, 117.001, 104.298)
_WIDTHS_DEPTHS = ((32, 3), (64, 3), (128, 2), (256, 2))


class _Scale(nn.Module):
    """w x + b per channel: batch normalisation with its statistics merged into w and b."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)


class _Conv(nn.Module):
    """Convolution, then `_Scale`."""

    def __init__(self, channels: int, out_channels: int, size: int, stride: int = 1) -> None:
        super().__init__()
        padding = size // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(channels, out_channels, size, stride, padding)
        self.scale = _Scale(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.scale(self.conv(x))
        return out


class _Residual(nn.Module):
    """relu(conv2(relu(conv1(x))) + shortcut(x)).

    With `down`, the shortcut is a 2 x 2 mean with zeros for the additional channels. For an even side, conv1 then gives
    one row and column less than the shortcut; they are padded with zeros at the bottom and right.
    """

    def __init__(self, channels: int, out_channels: int, down: bool = False) -> None:
        super().__init__()
        self.down = down
        self.conv1 = _Conv(channels, out_channels, 3, 2 if down else 1)
        self.conv2 = _Conv(out_channels, out_channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv2(F.relu(self.conv1(x)))
        if not self.down:
            return F.relu(h + x)
        kept = F.avg_pool2d(x, 2)
        more = h.shape[1] - kept.shape[1]
        kept = F.pad(kept, (0, 0, 0, 0, 0, more))
        h = F.pad(h, (0, kept.shape[-1] - h.shape[-1], 0, kept.shape[-2] - h.shape[-2]))
        return F.relu(h + kept)


class Recognition(nn.Module):
    """Cropped, aligned faces (b, 3, 150, 150) in [-1, 1] -> embeddings (b, 128), not normalised."""

    size = SIZE
    place = staticmethod(chip)

    def __init__(self) -> None:
        super().__init__()
        self.conv32_down = _Conv(3, 32, 7, 2)
        channels = 32
        for width, depth in _WIDTHS_DEPTHS:
            if width > channels:
                self.add_module(f"conv{width}_down", _Residual(channels, width, down=True))
            for i in range(depth):
                self.add_module(f"conv{width}_{i + 1}", _Residual(width, width))
            channels = width
        self.conv256_down_out = _Residual(256, 256, down=True)
        self.fc = nn.Linear(256, 128, bias=False)

    def forward(self, face: Tensor) -> Tensor:
        """See the class.

        Raises:
            ValueError: the faces have another shape.
        """
        if face.shape[1:] != (3, SIZE, SIZE):
            raise ValueError(f"Faces must be (b, 3, {SIZE}, {SIZE}); got {tuple(face.shape)}: crop them first.")
        first, *blocks, last = self.children()
        x = F.max_pool2d(F.relu(first(centred(face, MEAN))), 3, 2)
        for block in blocks:
            x = block(x)
        out: Tensor = last(x.mean(dim=(2, 3)))
        return out
