"""Text and image losses of a CLIP model: 1 - cosine of embeddings (Radford et al. 2021, 2103.00020)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from losses.contract import check_image, cosine_distance, freeze, reference_embedding, unit
from losses.preprocess import normalise, resize

Tokenizer = Callable[[list[str]], Tensor]


class ClipEncoder:
    """Unit embeddings of images and texts by an open_clip model.

    Args:
        clip: model of open_clip.create_model_and_transforms; it is frozen.
        tokenizer: of open_clip.get_tokenizer.
    """

    def __init__(self, clip: Any, tokenizer: Tokenizer) -> None:
        self.clip, self.tokenizer = freeze(clip), tokenizer
        size = clip.visual.image_size
        self.size = size if isinstance(size, int) else size[0]
        self.mean, self.std = clip.visual.image_mean, clip.visual.image_std

    def image(self, image: Tensor) -> Tensor:
        """Image (b, 3, h, w) in [-1, 1] -> (b, d), length 1, in the image's dtype."""
        weight = next(self.clip.parameters())
        pixels = normalise(resize(check_image(image), self.size), self.mean, self.std)
        return unit(self.clip.encode_image(pixels.to(weight)).to(image.dtype))

    @torch.no_grad()
    def text(self, text: str | Sequence[str]) -> Tensor:
        """One text, or one for each image -> (1, d) or (b, d), length 1.

        Raises:
            ValueError: a text is empty.
        """
        texts = [text] if isinstance(text, str) else list(text)
        if not texts or not all(t.strip() for t in texts):
            raise ValueError("The prompt is empty; describe the image you want, such as 'a face with red hair'.")
        weight = next(self.clip.parameters())
        return unit(self.clip.encode_text(self.tokenizer(texts).to(weight.device)).float())


class ClipText:
    """1 - cos(E_image(x), E_text(prompt)).

    Args:
        clip, tokenizer: the open_clip model and its tokenizer.
        prompt: one text for all images, or one each.

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
    """1 - cos(E_image(x), E_image(reference)).

    Args:
        clip, tokenizer: the open_clip model and its tokenizer.
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
    """1 - cos(E_image(x) - E_image(start), E_text(target) - E_text(source)) (StyleGAN-NADA, 2108.00946).

    The cosine has no direction at the start, where x = start; the length of the image's difference is therefore
    rounded off, sqrt(|d|^2 + softness^2), which leaves a loss of 1 and a finite gradient there.

    Args:
        clip, tokenizer: the open_clip model and its tokenizer.
        source_text: what the start image shows, such as "a face with brown hair".
        target_text: what it shall show.
        start_image: (1, 3, h, w) or (b, 3, h, w) in [-1, 1].
        softness: length below which a difference counts as none, > 0.

    Raises:
        ValueError: a text is empty, or both are the same to the model.
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
            raise ValueError("The two texts mean the same to the model, so there is no direction; change one.")
        self.direction = unit(direction)
        self.start = reference_embedding(self.encoder.image, start_image)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 2]."""
        difference = self.encoder.image(image) - self.start.to(image)
        length = (difference.square().sum(dim=-1) + self.softness**2).sqrt()
        return 1 - (difference * self.direction.to(image)).sum(dim=-1) / length
