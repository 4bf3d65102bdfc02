"""Text inputs: invisible characters are removed; text beyond the context length and unknown words are reported.

CLIP's tokenizer truncates a text to a fixed number of tokens without a warning. The part that is used is the shortest
prefix with the same tokens as the whole text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

import torch

MAX_LENGTH = 4000
UnknownWords = Callable[[str], list[str]]
_MOST_WORDS = 5
_JOINERS = "\u200c\u200d"  # Persian, Hindi and many emoji are written with them
_INVISIBLE = ("Cc", "Cf", "Cs", "Cn", "Co")


def readable(name: str) -> str:
    """The name of an attribute, such as "hair_colour", as shown to a person."""
    return name.replace("_", " ")


def clean(text: str) -> str:
    """Remove control characters, unpaired surrogates and direction marks; join white space to single spaces; apply NFC.

    A text longer than `MAX_LENGTH` is only converted to ASCII: the settings refuse its length.
    """
    if len(text) > MAX_LENGTH:
        return text.encode("ascii", "replace").decode()
    visible = (" " if char.isspace() else char for char in text if _is_visible(char))
    return " ".join(unicodedata.normalize("NFC", "".join(visible)).split())


def truncated(tokenizer: Any, text: str) -> str | None:
    """The part of a text within the tokenizer's context length; None if the whole text is."""
    tokens = torch.as_tensor(tokenizer([text]))

    def suffices(length: int) -> bool:
        return torch.equal(torch.as_tensor(tokenizer([text[:length]])), tokens)

    if not text or not suffices(len(text) - 1):
        return None
    low, high = 0, len(text) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle + 1, high)
    return text[:high].rstrip() or None


def text_warnings(tokenizer: Any, unknown_words: UnknownWords | None, texts: Iterable[tuple[str, str]]) -> str:
    """Sentences on what a text encoder cannot use of each (name, text); empty if it uses all of them.

    Args:
        tokenizer: of the text encoder; None for none.
        unknown_words: text -> its words outside of the vocabulary; None for an open vocabulary.
        texts: names and texts.
    """
    # longer texts are refused, and take seconds to tokenise
    short = [(name, text) for name, text in texts if len(text) <= MAX_LENGTH]
    found = []
    for name, text in short:
        if (part := None if tokenizer is None else truncated(tokenizer, text)) is not None:
            end = " ".join(part.split()[-3:])
            found.append(f"{name}: the model uses the text only up to “… {end}”: shorten it.")
    for name, text in short:
        if words := unknown_words(text) if unknown_words else []:
            listed = ", ".join(f"“{word}”" for word in words[:_MOST_WORDS])
            found.append(f"{name}: not in the vocabulary of the embedded CLIP: {listed}.")
    return " ".join(found)


def _is_visible(char: str) -> bool:
    return char.isspace() or char in _JOINERS or unicodedata.category(char) not in _INVISIBLE
