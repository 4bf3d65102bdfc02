"""`Model`: what a run needs of a diffusion model and of the networks of its losses.

    image --encode_latents--> x_0 --encode, sample--> x_0' --decode_latents--> image'

A pixel model's states are images. A latent model's are latents: losses are evaluated on the decoded image, so their
gradients pass through the decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from adjointdeis import Denoiser
from losses import LinearHead
from studio.core.goals import HiddenBy, ImpliedBy
from studio.core.presets import StepRange
from studio.core.text import UnknownWords
from studio.models.groups import GENERAL_GROUPS, PERSON_GROUPS


@dataclass(frozen=True)
class Origin:
    """The origin of a model, for display and for records; no field is a path.

    Args:
        licence: of the weights.
        z: a description of its conditioning.
        source: the hub's id; empty for the embedded model and for local folders.
        revision: commit of the source.
        note: one sentence for users.
        card: name of the folder of `assets/` with the model card; empty without one.
    """

    licence: str = ""
    z: str = ""
    source: str = ""
    revision: str = ""
    note: str = ""
    card: str = ""


@dataclass(frozen=True)
class Model:
    """A denoiser, the encoder of its code z, and the networks of the losses, all frozen and in eval mode.

    Args:
        name: for display.
        digest: SHA-256 of its weights, for the record in a saved image.
        size: side of its square images in pixels.
        network: (t (b,), x (b, *state_shape), z) -> prediction of x's shape.
        encode: image (b, 3, size, size) in [-1, 1] -> z (b, ...), or None for a model that has no z.
        scheduler: makes a fresh diffusers scheduler of its noise schedule.
        clip: image and text towers in open_clip's form, or None.
        tokenizer: list of texts -> token ids for `clip`.
        unknown_words: text -> the words that `clip` was not trained on; None for an open vocabulary.
        identity: face network, image -> embedding, or None.
        device: the device of all networks.
        held_out: more face networks by name, for measuring only; each has `thresholds`, the similarities at which it
            accepts two faces as one person.
        latent: shape of a latent model's state, (c, h, w), or (tokens, c) where latents are packed; None for a pixel
            model.
        encode_image: image -> latent (b, *latent).
        decode: latent -> image, differentiable.
        preview: latent -> approximately the image, fast; for intermediate images.
        graphs: number of sampling steps whose graphs fit into memory beside the model; the discrete adjoint stores
            them, which saves one network call each.
        prepare: z -> the part of the network's computation that depends on z alone, which replaces z; None if there is
            no such part.
        groups: texts by attribute, one a class, with which the CLIP reads an image.
        classes: names of the classes of each group, in the order of its texts.
        hidden_by: classes as (attribute, index) -> the attributes that an image of one of them cannot show.
        implied_by: classes as (attribute, index) -> the classes of other attributes that an image of them also has.
        unseen: the groups that the image tower of the CLIP does not see; `heads` has them, and their texts only name
            them.
        person_groups: the groups that belong to the person; the others may differ between two pictures of one person.
        reader: a classifier that no loss uses, image -> probabilities by attribute of `groups`, (b, classes); or None.
        read_texts: a CLIP that no loss uses, image (1, 3, size, size) and texts -> probabilities, (1, texts); or None.
        heads: linear classifiers on z by attribute, classes in the order of `groups`; empty if there are none.
        code_person: linear map of z onto numbers of the person, of mean 0 over people; None if there is none.
        decode_code: z -> mean (b, 3, h, w) and spread > 0 of the pixels given z, differentiable; None if the model
            predicts no image from z alone.
        code_root: P (d, d), the root of the covariance of z over training images; None if it was not measured.
        code_denoiser: z (b, d) -> the mean of the codes of images near it, (b, d); None if there is none.
        parts: image (1, 3, h, w) -> probability of each part at each pixel, (1, 1, h, w), by name; None if the model
            finds no parts. An image without a face has none.
        part_names: the names that `parts` may give.
        enlarge: image (1, 3, size, size) on the CPU -> the same with more pixels, for display; None for a model whose
            pictures are shown as they are.
        parts_of_attributes: the parts in which the classes of an attribute of `groups` differ; it need not have all.
        steps: number of sampling steps that it was distilled to; 0 for any.
        fewest_steps: number of sampling steps that a preset makes at least.
        origin: publisher, licence and commit.
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
    unknown_words: UnknownWords | None = None
    held_out: Mapping[str, Any] = field(default_factory=dict)
    latent: tuple[int, ...] | None = None
    encode_image: Callable[[Tensor], Tensor] | None = None
    decode: Callable[[Tensor], Tensor] | None = None
    preview: Callable[[Tensor], Tensor] | None = None
    graphs: int = 0
    prepare: Callable[[Tensor], Tensor] | None = None
    groups: Mapping[str, Sequence[str]] = field(default_factory=lambda: GENERAL_GROUPS)
    classes: Mapping[str, Sequence[str]] = field(default_factory=lambda: GENERAL_GROUPS)
    hidden_by: HiddenBy = lambda classes: frozenset()
    implied_by: ImpliedBy = lambda classes: frozenset()
    unseen: Collection[str] = ()
    person_groups: Collection[str] = PERSON_GROUPS
    reader: Callable[[Tensor], Mapping[str, Tensor]] | None = None
    read_texts: Callable[[Tensor, Sequence[str]], Tensor] | None = None
    heads: Mapping[str, LinearHead] = field(default_factory=dict)
    code_person: LinearHead | None = None
    decode_code: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
    code_root: Tensor | None = None
    code_denoiser: Callable[[Tensor], Tensor] | None = None
    parts: Callable[[Tensor], Mapping[str, Tensor]] | None = None
    parts_of_attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    part_names: Sequence[str] = ()
    enlarge: Callable[[Tensor], Tensor] | None = None
    steps: int = 0
    fewest_steps: int = 4
    origin: Origin = Origin()
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def step_range(self) -> StepRange:
        """The numbers of sampling steps for presets."""
        return StepRange(self.fewest_steps, self.steps)

    @property
    def quick(self) -> bool:
        """Whether a run takes seconds on any machine, so that a prompt chosen by hand starts it."""
        return self.latent is None and self.size <= 128

    @property
    def described(self) -> dict[str, Any]:
        """The model in a run's record: name, hash and size, and repository and commit of a model from the hub."""
        published = {name: value for name in ("source", "revision") if (value := getattr(self.origin, name))}
        return {"name": self.name, "sha256": self.digest, "size": self.size, **published}

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Shape of x_t, usually (c, h, w)."""
        return self.latent or (3, self.size, self.size)

    @torch.no_grad()
    def encode_latents(self, image: Tensor) -> Tensor:
        """image (b, 3, size, size) -> x_0 (b, *state_shape); for a pixel model the image itself."""
        return image if self.encode_image is None else self.encode_image(image)

    @torch.no_grad()
    def decode_latents(self, state: Tensor) -> Tensor:
        """x_0 (b, *state_shape) -> image."""
        return state if self.decode is None else self.decode(state)

    @torch.no_grad()
    def preview_latents(self, state: Tensor) -> Tensor:
        """A fast, approximate decoding of any x_t, for display only."""
        return self.decode_latents(state) if self.preview is None else self.preview(state)

    def on_latents(self, loss: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """A loss on images as a loss on states; for a pixel model the loss itself."""
        decode = self.decode
        return loss if decode is None else lambda state: loss(decode(state))
