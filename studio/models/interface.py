"""`Model`: all that a run needs of a diffusion model and its judges, whatever they are made of.

    picture --state_of--> x_0 --encode, sample--> x_0' --picture_of--> picture'

A pixel model's states are pictures. A latent model's are smaller: losses look at the decoded picture, so their
gradients pass through its decoder first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from adjointdeis import Denoiser


@dataclass(frozen=True)
class Origin:
    """Where a model comes from, for people and for records: nothing in it is a path.

    Args:
        licence: of the weights.
        z: what its conditioning is, in a few words.
        source: the hub's id; empty for a model that ships here or was given as a folder.
        revision: commit of the source that the files are of.
        note: what a person should know who uses it.
    """

    licence: str = ""
    z: str = ""
    source: str = ""
    revision: str = ""
    note: str = ""


@dataclass(frozen=True)
class Model:
    """A denoiser, the encoder of its code z, and the networks that losses look through. All frozen, in eval mode.

    Args:
        name: what a person reads.
        digest: SHA-256 of its weights, for the record in a saved picture.
        size: side of its square images in pixels.
        network: (t (b,), x (b, *state_shape), z) -> prediction of x's shape.
        encode: image (b, 3, size, size) in [-1, 1] -> z (b, ...), or None for a model that has no z.
        scheduler: makes a fresh diffusers scheduler of its noise schedule.
        clip: image and text towers in open_clip's form, or None.
        tokenizer: list of texts -> token ids for `clip`.
        identity: image -> embedding of who it is, or None.
        device: where all of them live.
        judges: more embeddings by name, for measuring only; each has `thresholds`, the similarities it accepts at.
        latent: shape (c, h, w) of a state that is not a picture.
        encode_image: image -> latent (b, *latent).
        decode: latent -> image, differentiably.
        preview: latent -> roughly the image, fast; for pictures on the way.
        graphs: of how many sampling steps the graph fits into any memory that holds the model; the discrete adjoint
            keeps so many, which spares it as many network calls.
        prepare: z -> what the network makes of it at every time, which it takes instead of z; None if it makes nothing.
        origin: who published it, under which licence, at which commit.
        missing: why "clip" or "identity" is None, one sentence each.
    """

    name: str
    digest: str
    size: int
    network: Denoiser
    encode: Callable[[Tensor], Tensor | None]
    scheduler: Callable[[], Any]
    clip: Any
    tokenizer: Any
    identity: Any
    device: torch.device
    held_out: Mapping[str, Any] = field(default_factory=dict)
    latent: tuple[int, int, int] | None = None
    encode_image: Callable[[Tensor], Tensor] | None = None
    decode: Callable[[Tensor], Tensor] | None = None
    preview: Callable[[Tensor], Tensor] | None = None
    graphs: int = 0
    prepare: Callable[[Tensor], Tensor] | None = None
    origin: Origin = Origin()
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def state_shape(self) -> tuple[int, int, int]:
        """(c, h, w) of x_t."""
        return self.latent or (3, self.size, self.size)

    @torch.no_grad()
    def encode_latents(self, image: Tensor) -> Tensor:
        """image (b, 3, size, size) -> x_0 (b, *state_shape); a pixel model's is the image itself."""
        return image if self.encode_image is None else self.encode_image(image)

    @torch.no_grad()
    def decode_latents(self, state: Tensor) -> Tensor:
        """x_0 (b, *state_shape) -> the image, as exactly as the model can."""
        return state if self.decode is None else self.decode(state)

    @torch.no_grad()
    def preview_latents(self, state: Tensor) -> Tensor:
        """A quick look at any x_t; only for eyes."""
        return self.decode_latents(state) if self.preview is None else self.preview(state)

    def on_latents(self, loss: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """A loss of pictures as one of states: the loss itself for a pixel model."""
        decode = self.decode
        return loss if decode is None else lambda state: loss(decode(state))
