"""`Encoder`: image -> code z. `Decoder`: code z -> coarse image and conditioning of the UNet.

Both are diffusers models, saved as config.json and safetensors like the UNet.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from diffusers import ModelMixin
from diffusers.configuration_utils import ConfigMixin, register_to_config
from torch import Tensor, nn

# Bounds of the spread s(z), for images in [-1, 1].
_LEAST, _MOST = 0.02, 0.6


class _Residual(nn.Module):
    """y = skip(x) + conv(silu(norm(conv(silu(norm(x)))))), optionally at half the resolution."""

    def __init__(self, channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(8, channels)
        self.conv1 = nn.Conv2d(channels, out_channels, 3, stride, 1)
        self.norm2 = nn.GroupNorm(8, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.skip = nn.Conv2d(channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        skipped: Tensor = self.skip(self.pool(x)) + h
        return skipped


class Encoder(ModelMixin, ConfigMixin):
    """z = LayerNorm(net(image)): (b, 3, 64, 64) in [-1, 1] -> (b, code), mean 0 and variance 1 along the code.

    Args:
        code: length of z.
        channels: widths at 32, 16, 8 and 4 pixels.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, code: int = 128, channels: tuple[int, ...] = (32, 64, 128, 160)) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # diffusers
        steps = pairwise(channels)
        self.first = nn.Conv2d(12, channels[0], 3, 1, 1)
        self.blocks = nn.Sequential(*(_Residual(a, b, 2) for a, b in steps))
        self.norm = nn.GroupNorm(8, channels[-1])
        self.last = nn.Linear(channels[-1] * 16, code)

    def forward(self, image: Tensor) -> Tensor:
        """z (b, code) of images (b, 3, 64, 64)."""
        h = self.norm(self.blocks(self.first(F.pixel_unshuffle(image, 2))))
        h = self.last(F.silu(h).flatten(1))
        return F.layer_norm(h, h.shape[-1:])


class Decoded(NamedTuple):
    """The output of the decoder.

    Args:
        mean: m(z), the coarse image, (b, 3, 64, 64).
        spread: s(z) > 0, the standard deviation of image - m(z) at each pixel, (b, 1, 64, 64).
        features: feature maps for the UNet, (b, f, 32, 32).
        embedding: vector for the UNet's time embedding, (b, e).
    """

    mean: Tensor
    spread: Tensor
    features: Tensor
    embedding: Tensor

    def packed(self) -> Tensor:
        """All parts as one vector per image, (b, n); `Decoder.unpack` is the inverse."""
        return torch.cat([part.flatten(1) for part in self], 1)


class Decoder(ModelMixin, ConfigMixin):
    """z (b, code) -> `Decoded`, the conditioning of the UNet.

    m(z) approximates E[image | z]; it is blurred where z does not determine a detail, and the diffusion model adds that
    detail. s(z) approximates the root mean square of image - m(z), which is small in plain regions and large at the
    eyes.

    Args:
        code: length of z.
        channels: widths at 4, 8, 16 and 32 pixels.
        features: number of feature maps.
        embedding: length of the vector added to the UNet's time embedding.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        code: int = 128,
        channels: tuple[int, ...] = (192, 144, 96, 48),
        features: int = 12,
        embedding: int = 128,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # diffusers
        self.first = nn.Linear(code, channels[0] * 16)
        steps = pairwise(channels)
        self.blocks = nn.ModuleList(_Residual(a, b) for a, b in steps)
        self.norm = nn.GroupNorm(8, channels[-1])
        self.last = nn.Conv2d(channels[-1], 16 + features, 3, 1, 1)
        self.embed = nn.Sequential(nn.Linear(code, embedding), nn.SiLU(), nn.Linear(embedding, embedding))

    def forward(self, z: Tensor) -> Decoded:
        """Coarse image, spread, features and embedding of codes (b, code)."""
        h = self.first(z).unflatten(1, (-1, 4, 4))
        for block in self.blocks:
            h = block(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        h = self.last(F.silu(self.norm(h)))
        mean, level, features = h.split((12, 4, h.shape[1] - 16), 1)
        spread = _LEAST * (_MOST / _LEAST) ** F.pixel_shuffle(level, 2).sigmoid()
        return Decoded(F.pixel_shuffle(mean, 2), spread, features, self.embed(z))

    def unpack(self, packed: Tensor) -> Decoded:
        """The parts of vectors (b, n) that `Decoded.packed` made."""
        shapes = ((3, 64, 64), (1, 64, 64), (int(self.config["features"]), 32, 32), (int(self.config["embedding"]),))
        parts = torch.split(packed, [math.prod(shape) for shape in shapes], 1)
        return Decoded(*(part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)))
