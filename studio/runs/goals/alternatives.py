"""`Alternatives`: the texts between which a CLIP decides whether a prompt, or a phrase of it, is met.

    known prompt     its attribute's texts, with the prompt in place of the class that it means
    other prompt     the likeliest text of every attribute at the start, neutral texts, and the prompt

A prompt is known if its text embedding has a cosine of at least `KNOWN` to a class's text. With the embedded CLIP 63 of
64 held-out wordings of a class have 0.96 and more, and texts that name no class at most 0.93 if all their words are in
the vocabulary.

A prompt that names classes of several attributes asks for each of them: "a smiling woman with long red hair" for three.
With the embedded CLIP such a prompt as a whole has a cosine of at most 0.97 to the text of one class, often 0.5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from losses import ClipEncoder
from studio.runs.goals.phrases import phrases, pieces, shorter

KNOWN = 0.95
NEUTRAL = ("a face", "a person", "a picture")
_SHORT = 2
_NEUTRAL_WORDS = {word for text in NEUTRAL for word in text.split()}


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


@torch.no_grad()
def asked_for(
    prompt: str,
    groups: Mapping[str, Sequence[str]],
    encoder: ClipEncoder,
    start: Tensor,
    unseen: Collection[str] = (),
) -> dict[str, Alternatives]:
    """What a prompt asks for, with the alternatives of each: its phrases, if any of them is a class, else the prompt.

    A phrase such as "a woman" asks for nothing. Of two phrases about one attribute the last one counts. A prompt that
    means its only class as a whole is not divided. Arguments and errors are those of `alternatives`.
    """

    def of(text: str) -> Alternatives:
        return alternatives(text, groups, encoder, start, unseen)

    whole, found = of(prompt), dict[str, Alternatives]()
    for phrase in phrases(prompt):
        for text, named in _named(phrase, groups, encoder).items():
            one = named or of(text)
            same = [other for other, kept in found.items() if kept.known and one.known and kept.group == one.group]
            found = {other: kept for other, kept in found.items() if other not in same} | {text: one}
    known = {(one.group, one.index) for one in found.values() if one.known}
    as_a_whole = whole.known and len(found) == 1 and known == {(whole.group, whole.index)}
    return found if known and not as_a_whole else {prompt: whole}


def _named(phrase: str, groups: Mapping[str, Sequence[str]], encoder: ClipEncoder) -> dict[str, Alternatives | None]:
    """The classes that a phrase names, by the words that name each; None for a phrase that means something else."""
    goal = encoder.text(phrase)
    if (one := _known(phrase, goal, groups, encoder)) is not None:
        return {phrase: one}
    words = phrase.lower().split()
    neutral = float((goal @ encoder.groups({"": NEUTRAL})[""].T).max()) >= KNOWN
    if neutral and (len(words) == 1 or not _words_of_classes(groups) & set(words)):
        return {}
    if len(parts := pieces(phrase)) > 1:
        return {text: one for part in parts for text, one in _named(part, groups, encoder).items()}
    found: dict[str, Alternatives | None] = {}
    options, left = list(shorter(phrase)), set(range(len(words)))
    embedded = encoder.text([text for text, _ in options]) if options else ()
    for (text, used), vector in zip(options, embedded, strict=True):
        if (one := _known(text, vector[None], groups, encoder)) is not None:
            left -= used
            if one.group not in {other.group for other in found.values() if other is not None}:
                found[text] = one
    return {phrase: None} if left else found


def _words_of_classes(groups: Mapping[str, Sequence[str]]) -> set[str]:
    """The words that the texts of few attributes have, such as "red" and "hair", but neither "in" nor "with"."""
    used = [{word for text in texts for word in text.lower().split()} for texts in groups.values()]
    counts = Counter(word for words in used for word in words if len(word) > _SHORT)
    return {word for word, count in counts.items() if count <= max(len(groups) // 2, 1)} - _NEUTRAL_WORDS


def _nearest(goal: Tensor, groups: Mapping[str, Sequence[str]], encoder: ClipEncoder) -> tuple[str, int, float]:
    """The attribute and the class whose text is closest to an embedding (1, d), and the cosine."""
    nearest = {name: (goal @ texts.T)[0].max(dim=0) for name, texts in encoder.groups(groups).items()}
    group = max(nearest, key=lambda name: float(nearest[name].values))
    return group, int(nearest[group].indices), float(nearest[group].values)


def _known(text: str, goal: Tensor, groups: Mapping[str, Sequence[str]], encoder: ClipEncoder) -> Alternatives | None:
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
    if (known := _known(prompt, goal, groups, encoder)) is not None:
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
