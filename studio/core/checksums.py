"""Checksums of weights: every file is compared with the SHA-256 of the model card before it is loaded.

A file with wrong bytes loads without an error and gives noise; a truncated one fails inside a parser. Hashing all of
the embedded model takes a tenth of a second.
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
    """A weight file is missing or differs from the model card; `reason` names it, the message adds the cure."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"The embedded model cannot be used: {self.reason}; {CURE}."


def listed_checksums(folder: Path) -> Mapping[str, str]:
    """SHA-256 by file name, from the model card.

    Raises:
        BrokenWeights: there is no card, or it lists no weights.
    """
    card = folder / CARD
    if not card.is_file():
        raise BrokenWeights("the model card is missing")
    lines = _LINE.findall(card.read_text(encoding="utf-8"))
    checksums = {name + _IN_A_FOLDER if name.endswith("/") else name: sha256 for name, sha256 in lines}
    if not checksums:
        raise BrokenWeights("the model card names no weights")
    return checksums


def verify(folder: Path) -> int:
    """Compare all files with the model card, and return their number.

    Raises:
        BrokenWeights: the first file that is missing or differs.
    """
    files = listed_checksums(folder)
    for name, sha256 in files.items():
        path = folder / name
        if not path.is_file():
            raise BrokenWeights(f"{name} is missing")
        if _sha256(path) != sha256:
            raise BrokenWeights(f"{name} is not the file that the model card describes")
    return len(files)


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and checksums of a folder's weight files.

    The hub's cache names large files by their SHA-256, so their gigabytes are not read again.
    """
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.safetensors")}
    blobs = {name: path.resolve().name for name, path in files.items()}
    return combined_checksum({name: b if _SHA256.fullmatch(b) else _sha256(files[name]) for name, b in blobs.items()})


def combined_checksum(files: Mapping[str, str]) -> str:
    """The fingerprint of files, from their SHA-256 by name."""
    total = hashlib.sha256()
    for name in sorted(files, key=PurePosixPath):
        total.update(name.encode())
        total.update(bytes.fromhex(files[name]))
    return total.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
