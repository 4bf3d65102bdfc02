"""Where a model's files are: a local folder, the hub's cache, or the hub.

Only configurations, tokenizers and safetensors are fetched: nothing that could run code when it is read. Offline
(HF_HUB_OFFLINE=1, or `offline=True`) nothing but the cache is looked at, so the answer comes at once.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from studio.messages import UserError
from studio.models.registry import Entry

WANTED = ("*.json", "*.txt", "*.model", "*.safetensors")
UNWANTED = ("*.fp16.*", "*.bf16.*", "*non_ema*", "*ema-only*", "*emaonly*", "safety_checker/*", "feature_extractor/*")
_FOLDERS = ("unet", "transformer", "vae", "vqvae", "text_encoder", "tokenizer", "scheduler")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_offline(offline: bool = False) -> bool:
    """Whether nobody may be asked: by argument, or by HF_HUB_OFFLINE as it is now."""
    return offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def find(entry: Entry, offline: bool = False) -> Path:
    """The folder with the entry's files, fetched from the hub if they are not here (with a progress bar).

    Raises:
        UserError: they are not here and cannot be fetched; one sentence that says why and what to do.
    """
    if not entry.repo:
        raise UserError(f"“{entry.title}” is not on the hub: {entry.note or 'it ships with the studio.'}")
    local = Path(entry.repo)
    if local.is_dir():
        return local
    quiet = is_offline(offline)
    try:
        return Path(_snapshot(entry, local_files_only=quiet))
    except (OSError, ValueError) as error:  # all of the hub's own errors are one of these
        raise UserError(f"“{entry.title}” cannot be loaded: {_reason(error, quiet)}.") from error


def cached(entry: Entry) -> Path | None:
    """The folder, if the files are here already; asks nobody."""
    if not entry.repo:
        return None
    local = Path(entry.repo)
    if local.is_dir():
        return local
    try:
        folder = Path(_snapshot(entry, local_files_only=True))
    except (OSError, ValueError):
        return None
    return folder if any(folder.rglob("*.safetensors")) else None


def fingerprint(folder: Path) -> str:
    """SHA-256 over the weight files of a folder, in order of their names.

    The hub's cache names large files by their own SHA-256, so that gigabytes need not be read again.
    """
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        total.update(path.relative_to(folder).as_posix().encode())
        blob = path.resolve().name
        total.update(bytes.fromhex(blob) if _SHA256.fullmatch(blob) else _sha256(path))
    return total.hexdigest()


def _snapshot(entry: Entry, **how: Any) -> str:
    from huggingface_hub import snapshot_download

    patterns = ["*.json", *(f"{folder}/{pattern}" for folder in _FOLDERS for pattern in WANTED)]
    if entry.kind == "unconditional":  # all in one folder; elsewhere that is where whole pipelines in one file lie
        patterns = list(WANTED)
    found: str = snapshot_download(
        entry.repo,
        revision=entry.revision,
        allow_patterns=patterns,
        ignore_patterns=list(UNWANTED),
        etag_timeout=5,
        **how,
    )
    return found


def _reason(error: Exception, quiet: bool) -> str:
    name = type(error).__name__
    if name == "GatedRepoError":
        return "its publisher wants the licence accepted first; do so on its page, and log in with “hf auth login”"
    if name in ("RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"):
        return "the hub knows no such model; check its name, or give a folder"
    if quiet:
        return "its files are not here, and the studio is offline; start it once with a network, or give a folder"
    return "its files are not here, and the hub does not answer; check the network, or give a folder"


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
