"""Classifier-free guidance as a wrapper around a denoiser (Ho & Salimans 2022, 2207.12598)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from adjointdeis.conditioning import like, map_tensors
from adjointdeis.denoiser import Denoiser, tensor_of
from adjointdeis.shapes import Conditioning


@dataclass(frozen=True)
class ClassifierFreeGuidance:
    """net(t, x, z_neg) + scale (net(t, x, z) - net(t, x, z_neg)).

    It is linear in the network's output, so it is right for every prediction type. x gets a gradient through both
    branches, z through the positive one.

    Args:
        model: network conditioned on z.
        scale: 1 is the model without guidance, 0 the negative conditioning alone.
        negative: z_neg, of the shape of z, or (1, ...) for all images.
        batched: True computes both branches in one call on a batch twice as large, which is faster. False makes two
            calls with half of the activations each; for a gradient each branch is computed once more, so that only one
            branch's activations are in memory (two more calls). The numbers are the same if the network treats the
            images of a batch independently.
    """

    model: Denoiser
    scale: float
    negative: Conditioning
    batched: bool = True

    def __call__(self, t: Tensor, x: Tensor, z: Conditioning, /) -> Tensor:
        """Guided output for t (b,), x (b, *x), z (b, ...).

        Raises:
            ValueError: there is no z, or the negative conditioning does not fit it.
        """
        if z is None:
            raise ValueError("Classifier-free guidance needs a conditioning z; got None.")
        negative = like(z, self.negative)
        if self.batched:
            both = map_tensors(lambda a, b: torch.cat([a, b]), negative, z)
            without, with_z = tensor_of(self.model(torch.cat([t, t]), torch.cat([x, x]), both)).chunk(2)
        else:
            without, with_z = self._branch(t, x, negative), self._branch(t, x, z)
        return without + self.scale * (with_z - without)

    def _branch(self, t: Tensor, x: Tensor, z: Conditioning) -> Tensor:
        if not torch.is_grad_enabled():
            return tensor_of(self.model(t, x, z))
        return tensor_of(checkpoint(self.model, t, x, z, use_reentrant=False))

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The model's own, so that theta can be differentiated through the wrapper."""
        network: Any = self.model
        yield from network.named_parameters()
