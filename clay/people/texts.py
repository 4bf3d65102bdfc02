"""Texts as people type them: one class of one attribute, several, or none at all; and the words in all of them.

`frames` and `wordings` are a grammar without recursion. Noise is added to its sentences: articles are left out, words
without a meaning of their own inserted, and punctuation marks appended.
"""

import re
import string
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from clay.people.attributes import ATTRIBUTES, HIDDEN
from clay.people.frames import FILLERS, FRAMES, NOTHING, SLOTS
from clay.people.prompts import WORDINGS
from clay.people.wordings import WORDS

_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"^(a pair of|an?|some) ")
_ARTICLES = ("a", "an", "the")
_ENDS = ("",) * 7 + (".", "!", "?")
_LISTED = {
    **dict.fromkeys(("thing", "worn", "grown"), "{x}"),
    **dict.fromkeys(("absent", "unworn", "unshaved"), "no {n}"),
    **dict.fromkeys(("colour", "hair"), "{x} hair"),
    "skin": "{x} skin",
    "iris": "{x} eyes",
    "behind": "a {x} background",
    "clothing": "a {x} {garment}",
    "headwear": "a {x} {headgear}",
}
_LISTS = ("{s} with", "{s} with", "{s} has", "give {o}", "", "make {o} have", "{s} who has", "i want {o} with")


def alternatives(text: str) -> list[str]:
    """The parts between "|"."""
    return [" ".join(part.split()) for part in text.split("|")]


_FRAMES = {kind: alternatives(text) for kind, text in FRAMES.items()}
_SLOTS = {name: alternatives(text) for name, text in SLOTS.items()}
_NOTHING, _FILLERS = alternatives(NOTHING), alternatives(FILLERS)
_WORDS = {
    (attribute, name): {kind: alternatives(text) for kind, text in kinds.items()}
    for attribute, classes in WORDS.items()
    for name, kinds in classes.items()
}


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def slots_of(words: str) -> dict[str, str]:
    """What the slots of a frame are replaced by: `{x}`, `{n}`, and the forms of a verb."""
    forms = dict(zip(("v", "vs", "ving"), words.split(), strict=False))
    return {"x": words, "n": _ARTICLE.sub("", words), **forms}


def _filled(frame: str, given: dict[str, str], rng: np.random.Generator) -> str:
    """The frame with all slots replaced; those that are not given at random."""
    while _SLOT.search(frame):
        frame = _SLOT.sub(lambda match: given.get(match[1]) or _pick(_SLOTS[match[1]], rng), frame)
    return frame.replace("_", " ")


def _noisy(text: str, rng: np.random.Generator) -> str:
    words = text.split()
    if rng.random() < 0.25:
        words = [word for word in words if word not in _ARTICLES] or words
    for _ in range(int(rng.choice(4, p=(0.6, 0.25, 0.1, 0.05)))):
        words.insert(int(rng.integers(len(words) + 1)), _pick(_FILLERS, rng))
    return " ".join(words) + _pick(_ENDS, rng)


def class_text(attribute: str, name: str, rng: np.random.Generator) -> str:
    """A random text that names one class of one attribute."""
    kinds = _WORDS[attribute, name]
    kind = _pick(list(kinds), rng)
    return _noisy(_filled(_pick(_FRAMES[kind], rng), slots_of(_pick(kinds[kind], rng)), rng), rng)


def class_texts(rng: np.random.Generator) -> list[str]:
    """One random text for each class of each attribute, attribute after attribute."""
    return [class_text(attribute, name, rng) for attribute, classes in ATTRIBUTES.items() for name in classes]


def nothing_text(words: Sequence[str], rng: np.random.Generator) -> str:
    """A random text that names no class; `words` are from outside the vocabulary."""
    frame = re.sub(r"\{w\}", lambda _: _pick(words, rng), _pick(_NOTHING, rng))
    return _noisy(_filled(frame, {}, rng), rng)


class SceneText(NamedTuple):
    """A text that names some of a scene's classes, the same in the words of `clay.people.prompts`, and the classes."""

    text: str
    plain: str
    named: list[tuple[str, str]]


def scene_text(classes: Sequence[int], rng: np.random.Generator, unnamed: Collection[str] = ()) -> SceneText:
    """A random text that names two to four of a scene's classes.

    Args:
        classes: index of the class of each attribute, or `HIDDEN`.
        rng: source of the choices.
        unnamed: attributes that are left out of `plain`.
    """
    shown = [(a, ATTRIBUTES[a][i]) for a, i in zip(ATTRIBUTES, classes, strict=True) if i != HIDDEN]
    chosen = [shown[i] for i in rng.permutation(len(shown))[: int(rng.integers(2, 5))]]
    kept = [(a, name) for a, name in chosen if a not in unnamed]
    mood = "".join(f"{WORDINGS[a][name][0]} " for a, name in kept if a == "expression")
    plain = _listed([WORDINGS[a][name][0] for a, name in kept if a != "expression"])
    phrases = [_phrase(a, name, rng) for a, name in chosen]
    text = _noisy(_filled(f"{_pick(_LISTS, rng)} {_listed(phrases)}", {}, rng), rng)
    return SceneText(text, f"a {mood}face" + (f" with {plain}" if plain else ""), chosen)


def _phrase(attribute: str, name: str, rng: np.random.Generator) -> str:
    kinds = [kind for kind in _WORDS[attribute, name] if kind in _LISTED]
    kind = _pick(kinds, rng)
    return _filled(_LISTED[kind], slots_of(_pick(_WORDS[attribute, name][kind], rng)), rng)


def _listed(phrases: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(phrases[:-1]), *phrases[-1:])))


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, in order; punctuation separates them."""
    text = text.lower().replace("’", "'")
    parts = re.split(rf"[\s{re.escape(string.punctuation.replace(chr(39), ''))}“”…–—¿¡]+", text)
    return [word for part in parts if (word := part.strip("'‘"))]


def _all_texts() -> Iterable[str]:
    yield from (*FRAMES.values(), *SLOTS.values(), NOTHING, FILLERS)
    yield from (words for kinds in _WORDS.values() for options in kinds.values() for words in options)
    yield from (phrase for classes in WORDINGS.values() for options in classes.values() for phrase in options)


VOCABULARY = frozenset(word for text in _all_texts() for word in words_of(_SLOT.sub(" ", text)))
"""Every word of the training texts."""


def unknown_words(text: str) -> list[str]:
    """The words of a text that no training text has, each once, in order and in lower case."""
    return [word for word in dict.fromkeys(words_of(text)) if not {word, word.removesuffix("'s")} & VOCABULARY]
