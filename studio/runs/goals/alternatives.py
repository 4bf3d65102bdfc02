"""`Alternatives`: the texts between which a CLIP decides whether a prompt, or a phrase of it, is met.

    known prompt     its attribute's texts, with the prompt in place of the class that it means
    other prompt     the likeliest text of every attribute at the start, neutral texts, and the prompt

A prompt is known if its text embedding has a cosine of at least `KNOWN` to a class's text. With the embedded CLIP 63 of
64 held-out wordings of a class have 0.96 and more, and texts that name no class at most 0.93 if all their words are in
the vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from losses import ClipEncoder

KNOWN = 0.95
NEUTRAL = ("a face", "a person", "a picture")


@dataclass(frozen=True)
class Alternatives:
    """Texts of which one is the goal.

    Args:
        texts: at least two, each once.
        index: of the goal among them.
        group: attribute that the prompt is closest to; what is kept leaves it out.
        known: whether the texts are the classes of that attribute, in order.
    """

    texts: tuple[str, ...]
    index: int
    group: str
    known: bool


def _nearest(goal: Tensor, groups: Mapping[str, Sequence[str]], encoder: ClipEncoder) -> tuple[str, int, float]:
    """The attribute and the class whose text is closest to an embedding (1, d), and the cosine."""
    nearest = {name: (goal @ texts.T)[0].max(dim=0) for name, texts in encoder.groups(groups).items()}
    group = max(nearest, key=lambda name: float(nearest[name].values))
    return group, int(nearest[group].indices), float(nearest[group].values)


def known_class(
    text: str, goal: Tensor, groups: Mapping[str, Sequence[str]], encoder: ClipEncoder
) -> Alternatives | None:
    """The alternatives of a text, with the embedding (1, d), that means a class; None if it means none."""
    group, index, cosine = _nearest(goal, groups, encoder)
    if cosine < KNOWN or len(groups[group]) == 1:
        return None
    texts = tuple(text if i == index else other for i, other in enumerate(groups[group]))
    return Alternatives(texts, index, group, known=True)


@torch.no_grad()
def alternatives(
    prompt: str,
    groups: Mapping[str, Sequence[str]],
    encoder: ClipEncoder,
    start: Tensor,
    unseen: Collection[str] = (),
) -> Alternatives:
    """The alternatives of a prompt for an image that begins as `start`, (1, 3, h, w) in [-1, 1].

    Args:
        prompt: the goal.
        groups: texts by attribute, one a class.
        encoder: of texts and images.
        start: the image.
        unseen: attributes that the encoder does not see in images.

    Raises:
        ValueError: the prompt is empty.
    """
    goal = encoder.text(prompt)
    if (known := known_class(prompt, goal, groups, encoder)) is not None:
        return known
    seen = {name: texts for name, texts in groups.items() if name not in unseen}
    shown = [groups[name][index] for name, index in shown_classes(encoder, start, seen)]
    others = dict.fromkeys(text for text in (*shown, *NEUTRAL) if text != prompt)
    return Alternatives((*others, prompt), len(others), _nearest(goal, groups, encoder)[0], known=False)


@torch.no_grad()
def shown_classes(encoder: ClipEncoder, image: Tensor, groups: Mapping[str, Sequence[str]]) -> list[tuple[str, int]]:
    """By attribute, the class whose text is closest to an image, (1, 3, h, w) in [-1, 1]."""
    seen = encoder.image(image)
    return [(name, int((seen @ texts.to(seen).T)[0].argmax())) for name, texts in encoder.groups(groups).items()]
