"""Text and image losses of a CLIP model (Radford et al. 2021, 2103.00020)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from losses.contract import check_image, cosine_distance, freeze, reference_embedding, unit
from losses.preprocess import normalise, resize

Tokenizer = Callable[[list[str]], Tensor]


class ClipEncoder:
    """Unit embeddings of images and texts by an open_clip model.

    Args:
        clip: a model of open_clip.create_model_and_transforms; it is frozen.
        tokenizer: the result of open_clip.get_tokenizer.
    """

    def __init__(self, clip: Any, tokenizer: Tokenizer) -> None:
        self.clip, self.tokenizer = freeze(clip), tokenizer
        size = clip.visual.image_size
        self.size = size if isinstance(size, int) else size[0]
        self.mean, self.std = clip.visual.image_mean, clip.visual.image_std

    def image(self, image: Tensor) -> Tensor:
        """Image (b, 3, h, w) in [-1, 1] -> unit vectors (b, d) in the image's dtype."""
        weight = next(self.clip.parameters())
        pixels = normalise(resize(check_image(image), self.size), self.mean, self.std)
        return unit(self.clip.encode_image(pixels.to(weight)).to(image.dtype))

    @torch.no_grad()
    def text(self, text: str | Sequence[str]) -> Tensor:
        """One text, or b texts -> unit vectors (1, d) or (b, d), float32, without gradient.

        Raises:
            ValueError: a text is empty.
        """
        texts = [text] if isinstance(text, str) else list(text)
        if not texts or not all(t.strip() for t in texts):
            raise ValueError("The prompt is empty; describe the image you want, such as 'a face with red hair'.")
        weight = next(self.clip.parameters())
        return unit(self.clip.encode_text(self.tokenizer(texts).to(weight.device)).float())

    def groups(self, groups: Mapping[str, Sequence[str]]) -> dict[str, Tensor]:
        """Texts by group -> unit vectors by group, which are kept while the CLIP's weights stay as they are."""
        kept, weights = _KEPT.get(self.clip), _weights_of(self.clip)
        if kept is None or kept.weights != weights or len(kept.texts) > _MOST:
            kept = _KEPT[self.clip] = _Kept(weights)
        return {name: kept.group(self, tuple(texts)) for name, texts in groups.items()}


@dataclass(frozen=True)
class _Kept:
    """The embeddings of groups of texts, by weights of one state."""

    weights: tuple[object, ...]
    texts: dict[tuple[Tokenizer, tuple[str, ...]], Tensor] = field(default_factory=dict)

    def group(self, encoder: ClipEncoder, texts: tuple[str, ...]) -> Tensor:
        key = encoder.tokenizer, texts
        if (found := self.texts.get(key)) is None:
            found = self.texts[key] = encoder.text(texts)
        return found


_KEPT: WeakKeyDictionary[Any, _Kept] = WeakKeyDictionary()
_MOST = 200
"""Groups of one CLIP."""


def _weights_of(clip: Any) -> tuple[object, ...]:
    """Changes when the weights are moved, converted, or changed in place, by an optimiser or by loading."""
    return tuple((p.device, p.dtype, p.data_ptr(), p._version) for p in clip.parameters())


class ClipText:
    """L = 1 - cos(E_image(x), E_text(prompt)).

    Args:
        clip: the open_clip model; it is frozen.
        tokenizer: its tokenizer.
        prompt: one text for all images, or one for each image.

    Raises:
        ValueError: the prompt is empty.
    """

    name = "text"

    def __init__(self, clip: Any, tokenizer: Tokenizer, prompt: str | Sequence[str]) -> None:
        self.encoder = ClipEncoder(clip, tokenizer)
        self.target = self.encoder.text(prompt)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 2]."""
        return cosine_distance(self.encoder.image(image), self.target.to(image))


class ClipImage:
    """L = 1 - cos(E_image(x), E_image(reference)).

    Args:
        clip: the open_clip model; it is frozen.
        tokenizer: its tokenizer.
        reference: (1, 3, h, w) for all images, or (b, 3, h, w), in [-1, 1].
    """

    name = "reference"

    def __init__(self, clip: Any, tokenizer: Tokenizer, reference: Tensor) -> None:
        self.encoder = ClipEncoder(clip, tokenizer)
        self.target = reference_embedding(self.encoder.image, reference)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 2]."""
        return cosine_distance(self.encoder.image(image), self.target.to(image))


class ClipDirectional:
    """Directional loss (StyleGAN-NADA, 2108.00946): 1 minus the cosine between the changes of image and text.

        L = 1 - d_x . d_t / (sqrt(|d_x|^2 + softness^2) |d_t|)
        d_x = E_image(x) - E_image(start),   d_t = E_text(target) - E_text(source)

    At x = start the cosine is undefined; with `softness` the loss is 1 there and its gradient is finite.

    Args:
        clip: the open_clip model; it is frozen.
        tokenizer: its tokenizer.
        source_text: describes the start image, such as "a face with brown hair".
        target_text: describes the target.
        start_image: (1, 3, h, w) or (b, 3, h, w) in [-1, 1].
        softness: > 0.

    Raises:
        ValueError: a text is empty, or the model gives both texts the same embedding.
    """

    name = "direction"

    def __init__(
        self,
        clip: Any,
        tokenizer: Tokenizer,
        source_text: str | Sequence[str],
        target_text: str | Sequence[str],
        start_image: Tensor,
        softness: float = 0.05,
    ) -> None:
        self.encoder, self.softness = ClipEncoder(clip, tokenizer), softness
        direction = self.encoder.text(target_text) - self.encoder.text(source_text)
        if not (direction.norm(dim=-1) > 1e-4).all():
            raise ValueError("The two texts mean the same to the model, so there is no direction: change one of them.")
        self.direction = unit(direction)
        self.start = reference_embedding(self.encoder.image, start_image)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 2]."""
        difference = self.encoder.image(image) - self.start.to(image)
        length = (difference.square().sum(dim=-1) + self.softness**2).sqrt()
        return 1 - (difference * self.direction.to(image)).sum(dim=-1) / length
