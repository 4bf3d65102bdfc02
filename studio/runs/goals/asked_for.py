"""`asked_for`: the classes that a prompt asks for, each with its alternatives.

A prompt that names classes of several attributes asks for each of them: "a smiling woman with long red hair" for three.
With the embedded CLIP its phrases have a cosine of 0.99 to the texts of their classes, and the whole prompt 0.5.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from losses import ClipEncoder
from studio.core.goals import Networks
from studio.runs.goals.alternatives import KNOWN, NEUTRAL, Alternatives, alternatives, known_class
from studio.runs.goals.phrases import phrases, pieces, shorter

_NEUTRAL_WORDS = {word for text in NEUTRAL for word in text.split()}
_SHORT = 2
"""Letters of words such as "in" and "no"."""


@torch.no_grad()
def asked_for(prompt: str, networks: Networks, encoder: ClipEncoder, start: Tensor) -> dict[str, Alternatives]:
    """What a prompt asks for, with the alternatives of each: its phrases, if any of them is a class, else the prompt.

    A phrase such as "a woman" asks for nothing. Of two phrases about one attribute the last one counts. A phrase that
    is no class is a goal, too, if its words are about attributes; otherwise the prompt is not divided. Nor is one that
    asks for one thing, but if a phrase is a class and the prompt as a whole is not, or means another, its alternatives
    are those of the phrase.

    Args:
        prompt: the goal.
        networks: of the model, whose attributes count.
        encoder: of texts and images.
        start: the image before the run, (1, 3, h, w) in [-1, 1].

    Raises:
        ValueError: the prompt is empty.
    """

    def of(text: str) -> Alternatives:
        return alternatives(text, networks.groups, encoder, start, networks.unseen)

    found: dict[str, Alternatives] = {}
    for phrase in phrases(prompt):
        if (named := _named(phrase, networks.groups, encoder)) is None:
            return {prompt: of(prompt)}
        for text, one in ((text, one or of(text)) for text, one in named.items()):
            same = [other for other, kept in found.items() if kept.known and one.known and kept.group == one.group]
            found = {other: kept for other, kept in found.items() if other not in same} | {text: one}
    known = [one for one in found.values() if one.known]
    if len(found) > 1 and known:
        return found
    whole = of(prompt)
    as_a_whole = not known or (whole.known and (whole.group, whole.index) == (known[0].group, known[0].index))
    return {prompt: whole if as_a_whole else known[0]}


_Named = Mapping[str, Alternatives | None]


def _named(phrase: str, groups: Mapping[str, Sequence[str]], encoder: ClipEncoder) -> _Named | None:
    """The classes that a phrase names, by the words that name each; none for a neutral phrase.

    A phrase with words of classes that names none, such as "purple hair", has None; any other phrase is None.
    """
    goal, words = encoder.text(phrase), phrase.lower().split()
    about = not _words_of_classes(groups).isdisjoint(words)
    neutral = float((goal @ encoder.groups({"": NEUTRAL})[""].T).max()) >= KNOWN
    if neutral and not about:
        return {}
    if (one := known_class(phrase, goal, groups, encoder)) is not None:
        return {phrase: one}
    if neutral and len(words) == 1:
        return {}
    if len(parts := pieces(phrase)) > 1:
        found = [_named(part, groups, encoder) for part in parts]
        return None if None in found else {text: one for part in found if part for text, one in part.items()}
    return _by_words(phrase, groups, encoder) or ({phrase: None} if about else None)


def _by_words(phrase: str, groups: Mapping[str, Sequence[str]], encoder: ClipEncoder) -> dict[str, Alternatives]:
    """The classes that a phrase names if each of its words belongs to one, such as "long red hair"; otherwise none."""
    found: dict[str, Alternatives] = {}
    words, options = phrase.split(), list(shorter(phrase))
    left = set(range(len(words)))

    def add(text: str, one: Alternatives, used: Iterable[int]) -> None:
        left.difference_update(used)
        if one.group not in {other.group for other in found.values()}:
            found[text] = one

    vectors = encoder.text([text for text, _ in options]) if options else ()
    for (text, used), vector in zip(options, vectors, strict=True):
        if (one := known_class(text, vector[None], groups, encoder)) is not None:
            add(text, one, used)
    # "a blue mohawk" is a mohawk and blue hair: the names of both attributes have the word "hair"
    things = {word for one in found.values() for word in one.group.split("_")}
    for i, thing in itertools.product(sorted(left), sorted(things)):
        text = f"{words[i]} {thing}"
        one = known_class(text, encoder.text(text), groups, encoder)
        if one is not None and thing in one.group.split("_"):
            add(text, one, [i])
    return {} if left else found


def _words_of_classes(groups: Mapping[str, Sequence[str]]) -> set[str]:
    """The words that the texts of few attributes have, such as "red" and "hair", but neither "in" nor "with"."""
    used = [{word for text in texts for word in text.lower().split()} for texts in groups.values()]
    counts = Counter(word for words in used for word in words if len(word) > _SHORT)
    return {word for word, count in counts.items() if count <= max(len(groups) // 2, 1)} - _NEUTRAL_WORDS
