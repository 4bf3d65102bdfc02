"""Texts that people write: without characters that nobody sees, and how much of one a text network reads.

A CLIP text network reads a fixed number of tokens and drops the rest without a word. Where it stops is measured with
the model's own tokenizer: it is the shortest beginning that gives the same tokens as the whole text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

import torch

LONGEST = 4000
_JOINERS = "\u200c\u200d"  # Persian, Hindi and many emoji are written with them
_UNSEEN = ("Cc", "Cf", "Cs", "Cn", "Co")


def clean(text: str) -> str:
    """Without control characters, halves of surrogate pairs and marks that turn the direction of what follows; every
    run of white space is one space, and letters are composed (NFC).

    A text above `LONGEST` is only made printable: it will be refused for its length.
    """
    if len(text) > LONGEST:
        return text.encode("ascii", "replace").decode()
    kept = (" " if one.isspace() else one for one in text if _seen(one))
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def cut(tokenizer: Any, text: str) -> str | None:
    """The part of a text that is read; None if all of it is."""
    whole = tokenizer([text])

    def all_there(length: int) -> bool:
        return torch.equal(torch.as_tensor(tokenizer([text[:length]])), torch.as_tensor(whole))

    if not text or not all_there(len(text) - 1):
        return None
    low, high = 0, len(text) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if all_there(middle) else (middle + 1, high)
    return text[:high].rstrip() or None


def cut_notes(tokenizer: Any, texts: Iterable[tuple[str, str]]) -> str:
    """One sentence for each text that is cut, by its name; empty where all of them are read to their ends."""
    if tokenizer is None:
        return ""
    # longer ones are refused anyway, and cost seconds to tokenise
    cuts = ((name, cut(tokenizer, text)) for name, text in texts if len(text) <= LONGEST)
    return " ".join(
        f"{name}: the text network reads it only up to “… {' '.join(part.split()[-3:])}” and drops the rest."
        for name, part in cuts
        if part is not None
    )


def _seen(one: str) -> bool:
    return one.isspace() or one in _JOINERS or unicodedata.category(one) not in _UNSEEN
