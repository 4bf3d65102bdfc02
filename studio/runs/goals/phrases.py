"""The phrases of a prompt that asks for several things, such as "a smiling woman with long red hair, no hat"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

_JOINT = re.compile(r"\s*([,;&+/]|\b(?:and|or|with|without|but|wearing|plus)\b)\s*", re.IGNORECASE)
_WEAK = re.compile(r"\s+(?:on|in|at|against|who|that|has|having|while|before)\s+", re.IGNORECASE)
_NEW = ("with", "but", "wearing", "plus")
"""Joints after which no negation holds."""
_REMOVED = re.compile(r"\b(?:take off|taking off|remove|removing|get rid of|lose)\b", re.IGNORECASE)
_THING = re.compile(r"(?:an? |the |h(?:is|er) )?(?!\w+ing$|smile$|laugh$|grin$|cry$|frown$)[\w-]+", re.IGNORECASE)
"""One thing of a list: "hat" and "a hat", but neither "red hair" nor "smiling" nor "smile"."""
_NEGATION = re.compile(r"no|not|never|without|\w+n['’]t", re.IGNORECASE)
_ENDS = " .!?:"
_MOST_WORDS, _MOST_DROPPED = 6, 3


def phrases(prompt: str) -> list[str]:
    """The prompt, split at commas and at words such as "and" and "with".

    A negation holds for the things that are listed after it: "without glasses and hat" is "without glasses", "without
    hat", "take off the hat and glasses" is "take off the hat", "without glasses", and "no beard or moustache" is "no
    beard", "no moustache".
    """
    found: list[str] = []
    negation = ""
    first, *rest = _JOINT.split(prompt)
    for joint, text in zip(["", *rest[::2]], [first, *rest[1::2]], strict=True):
        joint, text = joint.lower(), text.strip(_ENDS)
        listed = joint not in _NEW and negation == "without" and _THING.fullmatch(text)
        negation = "without" if joint == "without" else negation if listed or joint == "or" else ""
        if text:
            found.append(f"{negation} {text}" if negation else text)
        if re.search(r"\bno\b", text, re.IGNORECASE):
            negation = "no"
        elif _REMOVED.search(text):
            negation = "without"
    return found


def pieces(phrase: str) -> list[str]:
    """The phrase, split at words that join two things, as in "hair on a green background" (and in "hair in a bun")."""
    return [text for text in _WEAK.split(phrase) if text]


def shorter(phrase: str) -> Iterator[tuple[str, frozenset[int]]]:
    """The phrase without some of its words, fewest left out first, and the indices of the words that are left.

    "long red hair" names two things; "red hair" and "long hair" one each. Negations are not left out.
    """
    words = phrase.split()
    if len(words) > _MOST_WORDS:
        return
    needed = {i for i, word in enumerate(words) if _NEGATION.fullmatch(word)}
    for dropped in range(1, min(_MOST_DROPPED, len(words) - 1) + 1):
        for left in itertools.combinations(range(len(words)), len(words) - dropped):
            if needed <= set(left):
                yield " ".join(words[i] for i in left), frozenset(left)
