"""`Autoencoder`: images <-> latents, x_0 = scale E(image), image = D(x_0 / scale), with a gradient through D.

D's activations at 512 pixels need more memory than the denoiser's. Two options save it:

    gradient checkpointing    D's blocks are recomputed in the backward pass: the same result, a third slower
    tiles                     D decodes overlapping tiles, each recomputed in the backward pass; the image is only
                              approximately the same, because D normalises over each tile

VQ models are decoded without quantisation, which has no gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


@dataclass(frozen=True)
class Autoencoder:
    """A frozen AutoencoderKL or VQModel of diffusers.

    Args:
        vae: the autoencoder.
        scale: latents are E(image) * scale.
        factor: pixels of the image for each pixel of the latent, along one side.
        tile: side of a tile in latent pixels; None decodes without tiles.
    """

    vae: Any
    scale: float
    factor: int
    tile: int | None = None

    @torch.no_grad()
    def encode(self, image: Tensor) -> Tensor:
        """image (b, 3, h, w) -> x_0 (b, c, h / factor, w / factor); the mode if E gives a distribution."""
        output = self.vae.encode(image.to(self.vae.dtype))
        for name in ("latents", "latent"):
            if hasattr(output, name):
                return _float(getattr(output, name)).to(image.dtype) * self.scale
        return _float(output.latent_dist.mode()).to(image.dtype) * self.scale

    def decode(self, latent: Tensor) -> Tensor:
        """x_0 -> image, differentiable."""
        if self.tile is None or max(latent.shape[-2:]) <= self.tile:
            return self._decode(latent)
        return tiled_decode(self._decode, latent, self.tile, self.factor)

    def _decode(self, latent: Tensor) -> Tensor:
        unscaled = (latent / self.scale).to(self.vae.dtype)
        options = {"force_not_quantize": True} if hasattr(self.vae, "quantize") else {}
        return _float(self.vae.decode(unscaled, **options).sample).to(latent.dtype)


def tiled_decode(decode: Callable[[Tensor], Tensor], latent: Tensor, tile: int, factor: int) -> Tensor:
    """decode(latent) from overlapping tiles, blended by weights that decrease towards each tile's edge.

    Args:
        decode: (b, c, h, w) -> (b, 3, factor h, factor w).
        latent: (b, c, h, w).
        tile: side of a tile in latent pixels; neighbours overlap by a quarter of it.
        factor: pixels of the image for each pixel of the latent, along one side.
    """
    height, width = latent.shape[-2:]
    total: Tensor | None = None
    weights: Tensor | None = None
    for top in _starts(height, tile):
        for left in _starts(width, tile):
            part = latent[..., top : top + tile, left : left + tile]
            image = _checkpointed(decode, part)
            weight = _ramp(image.shape[-2], image)[:, None] * _ramp(image.shape[-1], image)[None, :]
            pad = (
                factor * left,
                factor * (width - left) - image.shape[-1],
                factor * top,
                factor * (height - top) - image.shape[-2],
            )
            placed, mass = (torch.nn.functional.pad(v, pad) for v in (image * weight, weight))
            total = placed if total is None else total + placed
            weights = mass if weights is None else weights + mass
    if total is None or weights is None:
        raise ValueError(f"A latent must have at least one pixel; got {height} x {width}.")
    return total / weights


def enable_gradient_checkpointing(vae: Any) -> None:
    """Recompute the decoder's blocks in the backward pass instead of storing their activations."""
    if getattr(vae, "_supports_gradient_checkpointing", False):
        vae.enable_gradient_checkpointing()
        return
    for block in vae.decoder.up_blocks:
        if "feat_cache" not in signature(block.forward).parameters:  # of a video, which a block changes
            block.forward = partial(_checkpointed, block.forward)


def _checkpointed(forward: Callable[..., Tensor], *values: Tensor) -> Tensor:
    if not torch.is_grad_enabled():
        return forward(*values)
    output: Tensor = checkpoint(forward, *values, use_reentrant=False)
    return output


def _starts(length: int, tile: int) -> list[int]:
    """Offsets of the tiles; the last one ends at `length`."""
    if length <= tile:
        return [0]
    step = tile - max(1, tile // 4)
    return [*range(0, length - tile, step), length - tile]


def _ramp(length: int, like: Tensor) -> Tensor:
    """Weights of a tile's pixels along one side: positive, largest in the middle."""
    pixels = torch.arange(length, device=like.device, dtype=like.dtype)
    return torch.minimum(pixels + 1, length - pixels) / length


def _float(value: Tensor) -> Tensor:
    return value if value.dtype == torch.float64 else value.float()
