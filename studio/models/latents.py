"""`Latents`: pictures <-> latents, x_0 = scale E(image), image = D(x_0 / scale), with a gradient through D.

D's activations at 512 pixels take more memory than the denoiser's. Two ways to save it:

    checkpoint    D's blocks are computed again on the way back: the same numbers, a third slower
    tile          D runs on overlapping tiles, each computed again on the way back; near the same picture, because D
                  normalises over what it sees. The last resort.

VQ models are decoded without quantising, which would cut the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


@dataclass(frozen=True)
class Latents:
    """An autoencoder of diffusers: AutoencoderKL, VQModel or AutoencoderDC, frozen.

    Args:
        vae: the autoencoder.
        scale: latents are E(image) * scale.
        factor: pixels a side of one latent cell.
        tile: side of a tile in latent cells; None decodes in one piece.
        tiny: AutoencoderTiny for quick looks, on latents of the same scale.
    """

    vae: Any
    scale: float
    factor: int
    tile: int | None = None
    tiny: Any = None

    @torch.no_grad()
    def encode(self, image: Tensor) -> Tensor:
        """image (b, 3, h, w) -> x_0 (b, c, h / factor, w / factor); the mode where E gives a distribution."""
        found = self.vae.encode(image.to(self.vae.dtype))
        for name in ("latents", "latent"):
            if hasattr(found, name):
                return _float(getattr(found, name)).to(image.dtype) * self.scale
        return _float(found.latent_dist.mode()).to(image.dtype) * self.scale

    def decode(self, latent: Tensor) -> Tensor:
        """x_0 -> image, differentiably."""
        if self.tile is None or max(latent.shape[-2:]) <= self.tile:
            return self._whole(latent)
        return tiled(self._whole, latent, self.tile, self.factor)

    @torch.no_grad()
    def preview(self, latent: Tensor) -> Tensor:
        """x_0 -> roughly the image, in milliseconds."""
        return _float(self.tiny.decode(latent.to(self.tiny.dtype)).sample).to(latent.dtype)

    def _whole(self, latent: Tensor) -> Tensor:
        unscaled = (latent / self.scale).to(self.vae.dtype)
        how = {"force_not_quantize": True} if hasattr(self.vae, "quantize") else {}
        return _float(self.vae.decode(unscaled, **how).sample).to(latent.dtype)


def tiled(decode: Callable[[Tensor], Tensor], latent: Tensor, tile: int, factor: int) -> Tensor:
    """decode(latent) from overlapping tiles, blended by weights that fall towards each tile's rim.

    Args:
        decode: (b, c, h, w) -> (b, 3, factor h, factor w).
        latent: (b, c, h, w).
        tile: side of a tile in cells; neighbours share a quarter of it.
        factor: pixels of a cell.
    """
    height, width = latent.shape[-2:]
    total: Tensor | None = None
    weights: Tensor | None = None
    for top in _starts(height, tile):
        for left in _starts(width, tile):
            part = latent[..., top : top + tile, left : left + tile]
            seen = checkpoint(decode, part, use_reentrant=False) if torch.is_grad_enabled() else decode(part)
            weight = _ramp(seen.shape[-2], seen)[:, None] * _ramp(seen.shape[-1], seen)[None, :]
            pad = (
                factor * left,
                factor * (width - left) - seen.shape[-1],
                factor * top,
                factor * (height - top) - seen.shape[-2],
            )
            placed, mass = (torch.nn.functional.pad(v, pad) for v in (seen * weight, weight))
            total = placed if total is None else total + placed
            weights = mass if weights is None else weights + mass
    if total is None or weights is None:
        raise ValueError(f"A latent of {height} x {width} cells has nothing to decode.")
    return total / weights


def save_memory(vae: Any) -> None:
    """Compute the decoder's blocks again on the way back instead of keeping what they made."""
    if getattr(vae, "_supports_gradient_checkpointing", False):
        vae.enable_gradient_checkpointing()
        return
    for block in vae.decoder.up_blocks:
        block.forward = partial(_again, block.forward)


def _again(forward: Callable[..., Tensor], *values: Tensor) -> Tensor:
    if not torch.is_grad_enabled():
        return forward(*values)
    output: Tensor = checkpoint(forward, *values, use_reentrant=False)
    return output


def _starts(length: int, tile: int) -> list[int]:
    """Where tiles begin, the last one flush with the end."""
    if length <= tile:
        return [0]
    step = tile - max(1, tile // 4)
    return [*range(0, length - tile, step), length - tile]


def _ramp(length: int, like: Tensor) -> Tensor:
    """Weights of a tile's pixels along one side: positive, highest in the middle."""
    places = torch.arange(length, device=like.device, dtype=like.dtype)
    return torch.minimum(places + 1, length - places) / length


def _float(value: Tensor) -> Tensor:
    return value if value.dtype == torch.float64 else value.float()
