"""Weights are what the model card says they are: every file by its SHA-256, before any of them is loaded.

A file of the right length whose bytes are wrong loads without a complaint and paints noise; one that a broken download
cut short fails somewhere inside a parser. Hashing all of the embedded model takes a tenth of a second.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

CARD = "README.md"
CURE = "get the repository's assets/clay again, or run python -m clay.card if you trained them yourself"
_LINE = re.compile(r"^\| (\S+\.safetensors) \| \d+ \| `([0-9a-f]{64})` \|$", re.M)


class BrokenWeights(FileNotFoundError):
    """A weight file is missing, or is not the one that the model card describes; one sentence with the cure."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found

    def __str__(self) -> str:
        return f"The embedded model cannot be used: {self.found}; {CURE}."


def listed(folder: Path) -> Mapping[str, str]:
    """SHA-256 by file, as the model card has it.

    Raises:
        BrokenWeights: there is no card, or no weights in it.
    """
    card = folder / CARD
    if not card.is_file():
        raise BrokenWeights("the model card is missing")
    found = dict(_LINE.findall(card.read_text(encoding="utf-8")))
    if not found:
        raise BrokenWeights("the model card names no weights")
    return found


def verify(folder: Path) -> int:
    """How many files were looked at.

    Raises:
        BrokenWeights: the first file that is not what the card says.
    """
    files = listed(folder)
    for name, sha256 in files.items():
        path = folder / name
        if not path.is_file():
            raise BrokenWeights(f"{name} is missing")
        if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise BrokenWeights(f"{name} is not the file that the model card describes")
    return len(files)
