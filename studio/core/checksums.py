"""Weights are what the model card says they are: every file by its SHA-256, before any of them is loaded.

A file of the right length whose bytes are wrong loads without a complaint and paints noise; one that a broken download
cut short fails somewhere inside a parser. Hashing all of the embedded model takes a tenth of a second.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

CARD = "README.md"
CURE = "get the repository's assets/clay again, or run python -m clay.evaluation.card if you trained them yourself"
CURE_FACES = "get the repository's assets/faces again"
_SHA256 = re.compile(r"[0-9a-f]{64}")
# | clip.safetensors | 123 | `hash` |   or   | detector/ | what it is | 1,234 | 5,678 | `hash` |
_LINE = re.compile(r"^\| (\S+(?:\.safetensors|/)) \|[^`\n]*\| `([0-9a-f]{64})` \|$", re.M)
_IN_A_FOLDER = "model.safetensors"


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
    lines = _LINE.findall(card.read_text(encoding="utf-8"))
    found = {name + _IN_A_FOLDER if name.endswith("/") else name: sha256 for name, sha256 in lines}
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
        if _sha256(path) != sha256:
            raise BrokenWeights(f"{name} is not the file that the model card describes")
    return len(files)


def fingerprint(folder: Path) -> str:
    """SHA-256 over the weight files of a folder, in order of their names.

    The hub's cache names large files by their own SHA-256, so that gigabytes need not be read again.
    """
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.safetensors")}
    blobs = {name: path.resolve().name for name, path in files.items()}
    return combined({name: b if _SHA256.fullmatch(b) else _sha256(files[name]) for name, b in blobs.items()})


def combined(files: Mapping[str, str]) -> str:
    """The fingerprint of files whose SHA-256 is known, by name."""
    total = hashlib.sha256()
    for name in sorted(files, key=PurePosixPath):
        total.update(name.encode())
        total.update(bytes.fromhex(files[name]))
    return total.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
