"""The diffusion autoencoder (Preechakul et al. 2022, 2111.15640): net(t, x, z) and its encoder image -> z.

    h = conv(up or down(silu(GN(x))))
    h = (1 + b(z)) ((1 + s(t)) GN(h) + r(t)),     block(x) = skip(x) + conv(silu(h))

A UNet of such blocks: the time embedding scales and shifts every feature map, and the code z scales it again. The
encoder is the UNet's downsampling half without conditioning, pooled to one vector.

Written from the paper and the published configuration; parameters have the names of the published checkpoint
(see `studio.models.networks.diffae.convert`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from diffusers import ModelMixin
from diffusers.configuration_utils import ConfigMixin, register_to_config
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(min(32, channels), channels)


def _resample(x: Tensor, mode: str) -> Tensor:
    if mode == "up":
        return F.interpolate(x, scale_factor=2, mode="nearest")
    return F.avg_pool2d(x, 2) if mode == "down" else x


class _Block(nn.Module):
    """The block above; without `embed` it is skip(x) + conv(silu(GN(x))), the encoder's."""

    def __init__(self, channels: int, out: int, embed: int | None, code: int = 0, resample: str = "") -> None:
        super().__init__()
        self.resample = resample
        self.in_layers = nn.Sequential(_norm(channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1))
        if embed is not None:
            self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embed, 2 * out))
            self.cond_emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(code, out))
            # the identity takes the place of dropout, which is for training
            self.out_layers = nn.Sequential(_norm(out), nn.SiLU(), nn.Identity(), nn.Conv2d(out, out, 3, padding=1))
        self.conditioned = embed is not None
        self.skip_connection = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor, time: Tensor | None, z: Tensor | None) -> Tensor:
        h = self.in_layers[1](self.in_layers[0](x))
        h = self.in_layers[2](_resample(h, self.resample))
        if self.conditioned:
            scale, shift = self.emb_layers(time)[:, :, None, None].chunk(2, dim=1)
            h = self.out_layers[0](h) * (1 + scale) + shift
            h = h * (1 + self.cond_emb_layers(z)[:, :, None, None])
            h = self.out_layers[1:](h)
        skipped: Tensor = self.skip_connection(_resample(x, self.resample)) + h
        return skipped


class _Attention(nn.Module):
    """x + W softmax(q k / sqrt(c)) v over all pixels of a feature map."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = _norm(channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor, time: Tensor | None = None, z: Tensor | None = None) -> Tensor:
        flat = x.flatten(2)
        q, k, v = self.qkv(self.norm(flat)).unflatten(1, (self.heads, -1)).chunk(3, dim=2)
        h = F.scaled_dot_product_attention(*(part.transpose(2, 3) for part in (q, k, v)))
        out: Tensor = flat + self.proj_out(h.transpose(2, 3).flatten(1, 2))
        return out.view_as(x)


class _Level(nn.Sequential):
    """A sequence of blocks and attentions; a convolution receives x alone. `checkpointing` recomputes it backwards."""

    checkpointing = False

    def forward(self, x: Tensor, time: Tensor | None = None, z: Tensor | None = None) -> Tensor:
        if self.checkpointing and torch.is_grad_enabled():
            out: Tensor = checkpoint(self._forward, x, time, z, use_reentrant=False)
            return out
        return self._forward(x, time, z)

    def _forward(self, x: Tensor, time: Tensor | None, z: Tensor | None) -> Tensor:
        for layer in self:
            x = layer(x) if isinstance(layer, nn.Conv2d) else layer(x, time, z)
        return x


class _Half(NamedTuple):
    """A UNet's downsampling half and its middle; the widths of its outputs, its last width and its smallest side."""

    blocks: nn.ModuleList
    middle: _Level
    widths: list[int]
    width: int
    smallest: int


def _half(
    size: int,
    channels: int,
    multipliers: Sequence[int],
    depth: int,
    attention: Sequence[int],
    heads: int,
    embed: int | None,
    code: int,
) -> _Half:
    ch = channels * multipliers[0]
    widths = [ch]
    blocks = nn.ModuleList([_Level(nn.Conv2d(3, ch, 3, padding=1))])
    for level, multiplier in enumerate(multipliers):
        for _ in range(depth):
            layers: list[nn.Module] = [_Block(ch, channels * multiplier, embed, code)]
            ch = channels * multiplier
            if size in attention:
                layers.append(_Attention(ch, heads))
            blocks.append(_Level(*layers))
            widths.append(ch)
        if level < len(multipliers) - 1:
            blocks.append(_Level(_Block(ch, ch, embed, code, "down")))
            widths.append(ch)
            size //= 2
    middle = _Level(_Block(ch, ch, embed, code), _Attention(ch, heads), _Block(ch, ch, embed, code))
    return _Half(blocks, middle, widths, ch, size)


class _Encoder(nn.Module):
    """image -> z (b, code)."""

    def __init__(
        self, size: int, channels: int, multipliers: Sequence[int], attention: Sequence[int], heads: int, code: int
    ) -> None:
        super().__init__()
        half = _half(size, channels, multipliers, 2, attention, heads, None, 0)
        self.input_blocks, self.middle_block, ch = half.blocks, half.middle, half.width
        self.out = nn.Sequential(_norm(ch), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(ch, code, 1), nn.Flatten())

    def forward(self, image: Tensor) -> Tensor:
        h = image
        for row in self.input_blocks:
            h = row(h)
        z: Tensor = self.out(self.middle_block(h))
        return z


class _TimeEmbedding(nn.Module):
    """[cos(t f), sin(t f)], f_k = 10000^(-k / half), and two layers."""

    def __init__(self, channels: int, embed: int) -> None:
        super().__init__()
        self.frequencies = channels // 2
        self.time_embed = nn.Sequential(nn.Linear(channels, embed), nn.SiLU(), nn.Linear(embed, embed))

    def forward(self, t: Tensor) -> Tensor:
        weight: Any = self.time_embed[0].weight
        index = torch.arange(self.frequencies, device=t.device, dtype=torch.float64)
        angles = t.double()[:, None] * torch.exp(-math.log(10000) * index / self.frequencies)
        embedded: Tensor = self.time_embed(torch.cat([angles.cos(), angles.sin()], dim=1).to(weight))
        return embedded


class DiffusionAutoencoder(ModelMixin, ConfigMixin):
    """net(t, x, z) -> eps; `encode` makes z. The defaults are those of the published FFHQ model at 256 pixels.

    Args:
        image_size: side in pixels.
        channels: width of the first level.
        multipliers, encoder_multipliers: width of each level, in `channels`; every level halves the side.
        depth: blocks in each level.
        attention: sides of the feature maps with attention.
        heads: of the attention.
        code: length of z.
        embed: length of the time embedding.
    """

    _supports_gradient_checkpointing = True

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        image_size: int = 256,
        channels: int = 128,
        multipliers: tuple[int, ...] = (1, 1, 2, 2, 4, 4),
        encoder_multipliers: tuple[int, ...] = (1, 1, 2, 2, 4, 4, 4),
        depth: int = 2,
        attention: tuple[int, ...] = (16,),
        heads: int = 1,
        code: int = 512,
        embed: int = 512,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # diffusers
        half = _half(image_size, channels, multipliers, depth, attention, heads, embed, code)
        self.input_blocks, self.middle_block = half.blocks, half.middle
        self.time_embed = _TimeEmbedding(channels, embed)
        self.encoder = _Encoder(image_size, channels, encoder_multipliers, attention, heads, code)
        widths, ch, size = half.widths, half.width, half.smallest
        self.output_blocks = nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(multipliers))):
            for i in range(depth + 1):
                layers: list[nn.Module] = [_Block(ch + widths.pop(), channels * multiplier, embed, code)]
                ch = channels * multiplier
                if size in attention:
                    layers.append(_Attention(ch, heads))
                if level > 0 and i == depth:
                    layers.append(_Block(ch, ch, embed, code, "up"))
                    size *= 2
                self.output_blocks.append(_Level(*layers))
        self.out = nn.Sequential(_norm(ch), nn.SiLU(), nn.Conv2d(ch, 3, 3, padding=1))

    def enable_gradient_checkpointing(self, *_: Any) -> None:
        """Recompute every level in the backward pass."""
        for row in self.modules():
            if isinstance(row, _Level):
                row.checkpointing = True

    def encode(self, image: Tensor) -> Tensor:
        """z (b, code) of images (b, 3, h, w) in [-1, 1]."""
        z: Tensor = self.encoder(image)
        return z

    def forward(self, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        """eps of x's shape."""
        time = self.time_embed(t)
        h, skips = x, []
        for row in self.input_blocks:
            h = row(h, time, z)
            skips.append(h)
        h = self.middle_block(h, time, z)
        for row in self.output_blocks:
            h = row(torch.cat([h, skips.pop()], dim=1), time, z)
        eps: Tensor = self.out(h)
        return eps
