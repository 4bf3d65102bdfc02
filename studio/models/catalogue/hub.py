"""Finds a model's files: in a local folder, in the hub's cache, or on the hub.

Only configurations, tokenizers and safetensors are downloaded, no file that could run code when it is read. Offline
(HF_HUB_OFFLINE=1, or `offline=True`) only the cache is searched, without waiting for a network.
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
from studio.models.catalogue.registry import Entry, Kind

_SUFFIXES = (".json", ".txt", ".model", ".jinja")
_FOLDERS = re.compile(r"|unet|transformer|vae|vqvae|scheduler|(?:text_encoder|tokenizer)(?:_\d)?")
_WEIGHTS = re.compile(r"(?:diffusion_pytorch_)?model(?:\.(?P<variant>\w+?))?(?:-\d+-of-\d+)?\.safetensors")
VARIANTS = ("", "fp16", "bf16")
"""Precisions in which a folder may have weights; the first that exists is used."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TIMEOUT = 3.0


def model_folder(entry: Entry, offline: bool = False) -> Path:
    """The folder with the entry's files, downloaded from the hub if necessary (with a progress bar).

    Raises:
        UserError: the files are not local and cannot be downloaded.
    """
    if not entry.repo:
        raise UserError(f"“{entry.title}” is not on the hub: {entry.note or 'it ships with the studio.'}")
    local = Path(entry.repo)
    if local.is_dir():
        return local
    offline = is_offline(offline)
    try:
        # without this check the hub's client retries for half a minute
        return Path(_snapshot(entry, local_files_only=offline or not hub_is_reachable()))
    except Exception as error:  # the client's network library, and so its exceptions, depend on its version
        raise UserError(f"“{entry.title}” cannot be loaded: {_reason(error, offline)}.") from error


def cached_folder(entry: Entry) -> Path | None:
    """The local folder of a model, which may be incomplete (see `is_complete`); None if there is none. No network."""
    if not entry.repo:
        return None
    local = Path(entry.repo)
    if local.is_dir():
        return local
    try:
        return Path(_snapshot(entry, local_files_only=True))
    except (OSError, ValueError):
        return None


def commit_of(folder: Path) -> str:
    """The commit of a folder in the hub's cache; empty for any other folder."""
    return folder.name if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name) else ""


@cache
def hub_is_reachable() -> bool:
    """Whether the hub accepts a connection within `_TIMEOUT` seconds; checked once."""
    from huggingface_hub.constants import ENDPOINT

    url = urlparse(ENDPOINT)
    if getproxies().get(url.scheme):
        return True  # behind a proxy a direct connection proves nothing
    results: Queue[bool] = Queue()
    # a DNS query has no timeout, and without a network it may take half a minute
    Thread(target=lambda: results.put(_connects(str(url.hostname), url.port or 443)), daemon=True).start()
    try:
        return results.get(timeout=_TIMEOUT)
    except Empty:
        return False


def _connects(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT):
            return True
    except OSError:
        return False


def select_files(files: Iterable[str], kind: Kind) -> list[str]:
    """The files of a repository that a model of this kind needs: no pickles, and one variant of the weights."""
    selected: list[str] = []
    weights: dict[str, dict[str, list[str]]] = {}
    for file in files:
        folder, _, name = file.rpartition("/")
        if folder if kind == "unconditional" else not _FOLDERS.fullmatch(folder):
            continue
        if name.endswith(_SUFFIXES):
            selected.append(file)
        elif (match := _WEIGHTS.fullmatch(name)) and (folder or kind == "unconditional"):
            weights.setdefault(folder, {}).setdefault(match["variant"] or "", []).append(file)
    for variants in weights.values():
        selected += next((variants[name] for name in VARIANTS if name in variants), [])
    return selected


def variant_of(folder: Path) -> str | None:
    """The variant of a folder's weights; None for the plain one.

    Raises:
        UserError: the folder has no safetensors.
    """
    variants = {match["variant"] or "" for path in folder.iterdir() if (match := _WEIGHTS.fullmatch(path.name))}
    for name in VARIANTS:
        if name in variants:
            return name or None
    raise UserError(f"“{folder.name}” holds no weights as .safetensors: {_cure(folder)}.")


def _cure(folder: Path) -> str:
    if pickles := [path.name for path in folder.glob("*.bin")]:
        return f"python -m studio.models convert {pickles[0]} converts them"
    return "if its publisher has only a .bin, python -m studio.models convert NAME FOLDER downloads and converts it"


def _snapshot(entry: Entry, local_files_only: bool) -> str:
    from huggingface_hub import HfApi, snapshot_download

    files = None
    if not local_files_only:
        files = select_files(HfApi().list_repo_files(entry.repo, revision=entry.revision), entry.kind)
    found: str = snapshot_download(
        entry.repo, revision=entry.revision, allow_patterns=files, etag_timeout=5, local_files_only=local_files_only
    )
    return found


def _reason(error: Exception, offline: bool) -> str:
    if disk_is_full(error):
        return "the disk is full; make room for it, or give a folder"
    name = type(error).__name__
    if name == "GatedRepoError":
        return "its licence has to be accepted first; do so on its page, and log in with “hf auth login”"
    if name in ("RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"):
        return "the hub has no such model; check its name, or give a folder"
    if offline:
        return "its files are not here, and the studio is offline; start it once with a network, or give a folder"
    return "its files are not here, and the hub does not answer; check the network, or give a folder"
