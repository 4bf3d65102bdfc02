"""How two tensors of a pipeline hold the same numbers: b = scale * a[index] + offset, entry by entry.

Packing, unpacking, patching, shifting, scaling and the normalisation of latents are all of this form. `derive` finds
the three from the pipeline's own code f, by calling it on zeros, on ones, and on the digits of the entries' indices,
and compares the result with f on random numbers. Both directions then have gradients, whatever no_grad the pipeline
has.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

BASE = 64
"""Of the digits: small enough for the rounding of the network's dtype."""


@dataclass(frozen=True)
class Layout:
    """b = scale * a[index] + offset.

    Args:
        index: which entry of a, flattened, each entry of b holds; shape of b.
        scale: shape of b.
        offset: shape of b.
        shape: of a.
    """

    index: Tensor
    scale: Tensor
    offset: Tensor
    shape: torch.Size

    def forward(self, a: Tensor) -> Tensor:
        """b, for a of any batch that the index was derived for."""
        return a.reshape(-1)[self.index] * self.scale.to(a.dtype) + self.offset.to(a.dtype)

    def inverse(self, b: Tensor) -> Tensor:
        """a, of which b is the image."""
        values = (b - self.offset.to(b.dtype)) / self.scale.to(b.dtype)
        flat = torch.zeros(self.shape.numel(), dtype=b.dtype, device=b.device)
        return flat.index_put((self.index.reshape(-1),), values.reshape(-1)).reshape(self.shape)


def derive(f: Callable[[Tensor], Tensor], like: Tensor) -> Layout | None:
    """The layout of f, or None if f is not of this form.

    Args:
        f: from a tensor like `like` to another of as many entries.
        like: an input; its numbers do not matter.
    """
    zero, one = (f(torch.full_like(like, value)) for value in (0.0, 1.0))
    count = like.numel()
    scale = one - zero
    if zero.numel() != count or not scale.isfinite().all() or (scale == 0).any():
        return None
    places = torch.arange(count, device=like.device).reshape(like.shape)
    index = torch.zeros(zero.shape, dtype=torch.long, device=zero.device)
    for digit in range(math.ceil(math.log(max(count, 2), BASE))):
        sent = (places // BASE**digit % BASE).to(like.dtype)
        index += ((f(sent) - zero) / scale).round().long() * BASE**digit
    if not torch.equal(index.reshape(-1).sort().values, places.reshape(-1).to(index.device)):
        return None
    found = Layout(index, scale, zero, like.shape)
    random = torch.randn(like.shape, generator=torch.Generator().manual_seed(0)).to(like)
    close = torch.allclose(
        found.forward(random).float(), f(random).float(), rtol=1e-3, atol=1e-3 * float(scale.abs().max())
    )
    return found if close else None
