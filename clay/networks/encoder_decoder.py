"""`Encoder`: image -> code z. `Decoder`: code z -> coarse image and conditioning of the UNet.

Both are diffusers models, saved as config.json and safetensors like the UNet. Images of side 32 fold are folded: fold x
fold pixels become channels of one place, so that the networks work at 32 x 32 whatever the image's size.
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
    """z = LayerNorm(net(image)): (b, 3, 32 fold, 32 fold) in [-1, 1] -> (b, code), mean 0, variance 1 along the code.

    Args:
        code: length of z.
        channels: widths at 32, 16, 8 and 4 pixels.
        fold: pixels folded into channels along each axis, 2 for images of 64 pixels, 4 for 128.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, code: int = 128, channels: tuple[int, ...] = (32, 64, 128, 160), fold: int = 2) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # diffusers
        steps = pairwise(channels)
        self.fold = fold
        self.first = nn.Conv2d(3 * fold * fold, channels[0], 3, 1, 1)
        self.blocks = nn.Sequential(*(_Residual(a, b, 2) for a, b in steps))
        self.norm = nn.GroupNorm(8, channels[-1])
        self.last = nn.Linear(channels[-1] * 16, code)

    def forward(self, image: Tensor) -> Tensor:
        """z (b, code) of images (b, 3, 32 fold, 32 fold)."""
        h = self.norm(self.blocks(self.first(F.pixel_unshuffle(image, self.fold))))
        h = self.last(F.silu(h).flatten(1))
        return F.layer_norm(h, h.shape[-1:])


class Decoded(NamedTuple):
    """The output of the decoder.

    Args:
        mean: m(z), the coarse image, (b, 3, 32 fold, 32 fold).
        spread: s(z) > 0, the standard deviation of image - m(z) at each pixel, (b, 1, 32 fold, 32 fold).
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
        fold: as of the encoder.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        code: int = 128,
        channels: tuple[int, ...] = (192, 144, 96, 48),
        features: int = 12,
        embedding: int = 128,
        fold: int = 2,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # diffusers
        self.first = nn.Linear(code, channels[0] * 16)
        steps = pairwise(channels)
        self.blocks = nn.ModuleList(_Residual(a, b) for a, b in steps)
        self.norm = nn.GroupNorm(8, channels[-1])
        self.fold = fold
        self.last = nn.Conv2d(channels[-1], 4 * fold * fold + features, 3, 1, 1)
        self.embed = nn.Sequential(nn.Linear(code, embedding), nn.SiLU(), nn.Linear(embedding, embedding))

    def forward(self, z: Tensor) -> Decoded:
        """Coarse image, spread, features and embedding of codes (b, code)."""
        h = self.first(z).unflatten(1, (-1, 4, 4))
        for block in self.blocks:
            h = block(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        h = self.last(F.silu(self.norm(h)))
        n = self.fold * self.fold
        mean, level, features = h.split((3 * n, n, h.shape[1] - 4 * n), 1)
        spread = _LEAST * (_MOST / _LEAST) ** F.pixel_shuffle(level, self.fold).sigmoid()
        return Decoded(F.pixel_shuffle(mean, self.fold), spread, features, self.embed(z))

    def unpack(self, packed: Tensor) -> Decoded:
        """The parts of vectors (b, n) that `Decoded.packed` made."""
        side, config = 32 * self.fold, self.config
        shapes = ((3, side, side), (1, side, side), (int(config["features"]), 32, 32), (int(config["embedding"]),))
        parts = torch.split(packed, [math.prod(shape) for shape in shapes], 1)
        return Decoded(*(part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)))


class OutputHead(ModelMixin, ConfigMixin):
    """Details at half the image's resolution, added to the UNet's output: a 3 x 3 convolution at 32 x 32 places all
    fold x fold pixels of a place at once, which leaves grain at edges.

    The UNet's last convolution has `features` more channels for it. They are folded out once, joined with the UNet's
    input maps folded 2 x 2, and pass three convolutions. The last one starts at zero.

    Args:
        maps: channels of the UNet's input maps, before folding.
        features: channels of the UNet's features at 32 x 32.
        width: channels inside.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, maps: int = 7, features: int = 64, width: int = 32) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # diffusers
        self.first = nn.Conv2d(4 * maps + features // 4, width, 3, 1, 1)
        self.norm = nn.GroupNorm(8, width)
        self.second = nn.Conv2d(width, width, 3, 1, 1)
        self.last = nn.Conv2d(width, 12, 3, 1, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]  # it has a bias

    def forward(self, maps: Tensor, features: Tensor) -> Tensor:
        """(b, maps, 128, 128) and (b, features, 32, 32) -> (b, 3, 128, 128)."""
        h = self.first(torch.cat([F.pixel_unshuffle(maps, 2), F.pixel_shuffle(features, 2)], 1))
        h = h + self.second(F.silu(self.norm(h)))
        return F.pixel_shuffle(self.last(F.silu(h)), 2)
