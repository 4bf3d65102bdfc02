"""`Model`: all that a run needs of a diffusion model and its judges, whatever they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from adjointdeis import Denoiser


@dataclass(frozen=True)
class Model:
    """A denoiser, the encoder of its code z, and the networks that losses look through. All frozen, in eval mode.

    Args:
        name: what a person reads.
        digest: SHA-256 of its weights, for the record in a saved picture.
        size: side of its square images in pixels.
        network: (t (b,), x (b, 3, size, size), z (b, d)) -> prediction of x's shape.
        encode: image (b, 3, size, size) in [-1, 1] -> z (b, d).
        scheduler: makes a fresh diffusers scheduler of its noise schedule.
        clip: image and text towers in open_clip's form.
        tokenizer: list of texts -> token ids for `clip`.
        identity: image -> embedding of who it is.
        device: where all of them live.
        judges: more embeddings by name, for measuring only; each has `thresholds`, the similarities it accepts at.
    """

    name: str
    digest: str
    size: int
    network: Denoiser
    encode: Callable[[Tensor], Tensor]
    scheduler: Callable[[], Any]
    clip: Any
    tokenizer: Any
    identity: Any
    device: torch.device
    judges: Mapping[str, Any] = field(default_factory=dict)
