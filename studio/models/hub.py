"""Where a model's files are: a local folder, the hub's cache, or the hub.

Only configurations, tokenizers and safetensors are fetched: nothing that could run code when it is read. Offline
(HF_HUB_OFFLINE=1, or `offline=True`) nothing but the cache is looked at, so the answer comes at once.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from urllib.parse import urlparse
from urllib.request import getproxies

from losses.open_clip_models import is_offline
from studio.core.errors import UserError, disk_is_full
from studio.models.registry import Entry, Kind

_SMALL = (".json", ".txt", ".model")
_FOLDERS = ("unet", "transformer", "vae", "vqvae", "text_encoder", "tokenizer", "scheduler")
_WEIGHTS = re.compile(r"(?:diffusion_pytorch_)?model(?:\.(?P<variant>\w+?))?(?:-\d+-of-\d+)?\.safetensors")
VARIANTS = ("", "fp16", "bf16")
"""Precisions in which weights may lie beside each other; the first that is there is taken."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SECONDS = 3.0


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
        # without this look the hub's own client tries for half a minute
        return Path(_snapshot(entry, local_files_only=quiet or not hub_answers()))
    except Exception as error:  # its errors come from whatever library its version asks the network with
        raise UserError(f"“{entry.title}” cannot be loaded: {_reason(error, quiet)}.") from error


def cached(entry: Entry) -> Path | None:
    """The folder, if files of it are here already (`complete` says whether all are); asks nobody."""
    if not entry.repo:
        return None
    local = Path(entry.repo)
    if local.is_dir():
        return local
    try:
        folder = Path(_snapshot(entry, local_files_only=True))
    except (OSError, ValueError):
        return None
    return folder


def commit_of(folder: Path) -> str:
    """The commit that a folder of the hub's cache is of; empty for any other folder."""
    return folder.name if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name) else ""


@cache
def hub_answers() -> bool:
    """Whether the hub takes a connection within seconds; asked once."""
    from huggingface_hub.constants import ENDPOINT

    place = urlparse(ENDPOINT)
    if getproxies().get(place.scheme):
        return True  # a proxy knows; nobody else can tell
    answers: Queue[bool] = Queue()
    # looking a name up has no time limit of its own, and without a network it may take half a minute
    Thread(target=lambda: answers.put(_connects(str(place.hostname), place.port or 443)), daemon=True).start()
    try:
        return answers.get(timeout=_SECONDS)
    except Empty:
        return False


def _connects(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_SECONDS):
            return True
    except OSError:
        return False


def select(files: Iterable[str], kind: Kind) -> list[str]:
    """Of a repository's files, those that a model of this kind is made of: no pickles, and no weights twice."""
    places = ("",) if kind == "unconditional" else ("", *_FOLDERS)
    chosen: list[str] = []
    weights: dict[str, dict[str, list[str]]] = {}
    for file in files:
        place, _, name = file.rpartition("/")
        if place not in places:
            continue
        if name.endswith(_SMALL):
            chosen.append(file)
        elif (found := _WEIGHTS.fullmatch(name)) and (place or kind == "unconditional"):
            weights.setdefault(place, {}).setdefault(found["variant"] or "", []).append(file)
    for variants in weights.values():
        chosen += next((variants[name] for name in VARIANTS if name in variants), [])
    return chosen


def variant_of(folder: Path) -> str | None:
    """The variant in which a folder's weights are; None for the plain one.

    Raises:
        UserError: there are none as safetensors.
    """
    there = {found["variant"] or "" for path in folder.iterdir() if (found := _WEIGHTS.fullmatch(path.name))}
    for name in VARIANTS:
        if name in there:
            return name or None
    raise UserError(f"“{folder.name}” holds no weights as .safetensors: {_cure(folder)}.")


def _cure(folder: Path) -> str:
    if pickles := [path.name for path in folder.glob("*.bin")]:
        return f"python -m studio.models convert {pickles[0]} makes them"
    return "if its publisher has only a .bin, python -m studio.models convert NAME FOLDER fetches and converts it"


def _snapshot(entry: Entry, local_files_only: bool) -> str:
    from huggingface_hub import HfApi, snapshot_download

    files = None
    if not local_files_only:
        files = select(HfApi().list_repo_files(entry.repo, revision=entry.revision), entry.kind)
    found: str = snapshot_download(
        entry.repo, revision=entry.revision, allow_patterns=files, etag_timeout=5, local_files_only=local_files_only
    )
    return found


def _reason(error: Exception, quiet: bool) -> str:
    if disk_is_full(error):
        return "the disk is full; make room for it, or give a folder"
    name = type(error).__name__
    if name == "GatedRepoError":
        return "its publisher wants the licence accepted first; do so on its page, and log in with “hf auth login”"
    if name in ("RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"):
        return "the hub knows no such model; check its name, or give a folder"
    if quiet:
        return "its files are not here, and the studio is offline; start it once with a network, or give a folder"
    return "its files are not here, and the hub does not answer; check the network, or give a folder"
