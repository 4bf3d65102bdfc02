"""`python app.py --check`: does this machine have what the studio needs? Each failed check names its cure."""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from adjointdeis.gradients.memory import free_bytes
from losses.faces.load import DEFAULT_FOLDER
from studio.core.checksums import CURE, CURE_FACES, BrokenWeights, verify
from studio.models.embedded import ASSETS, WEIGHTS, examples

NEEDED = 1_500_000_000
"""Bytes of main memory that the embedded model, torch and the page use together, rounded up."""
PORTS = range(7860, 7960)
_PAGE_FILES = ("studio.css", "tabs.css", "present.css", "present.js", "stage.html", "stage.js")


@dataclass(frozen=True)
class Finding:
    """The result of one check: what was found, and the cure if it is not fine."""

    name: str
    fine: bool
    found: str
    cure: str = ""

    def __str__(self) -> str:
        mark, cure = ("ok  ", "") if self.fine else ("FAIL", f"\n{'':15}-> {self.cure}")
        return f"{mark} {self.name:10}{self.found}{cure}"


def check(host: str, port: int | None) -> Iterator[Finding]:
    """Device, weights, memory, port, browser assets, in this order."""
    yield device()
    yield weights("weights", WEIGHTS, CURE)
    yield weights("faces", DEFAULT_FOLDER, CURE_FACES)
    yield memory(free_bytes(torch.device("cpu")))
    yield free_port(host, port)
    yield browser_assets(ASSETS / "studio")
    yield pictures()


def device() -> Finding:
    """A matrix product on the fastest device of this machine."""
    name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        side = torch.ones(64, 64, device=name)
        assert float((side @ side)[0, 0]) == 64
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0] if str(error) else "a wrong product"
        cure = "update the driver, or hide the device with CUDA_VISIBLE_DEVICES=''"
        return Finding("device", False, f"{name} does not compute: {first}", cure)
    what = torch.cuda.get_device_name() if name == "cuda" else name
    return Finding("device", True, f"{what}; {os.cpu_count()} cores; torch {torch.__version__}")


def weights(name: str, folder: Path, cure: str) -> Finding:
    """The SHA-256 of every weight file that a folder's README lists."""
    try:
        count = verify(folder)
    except BrokenWeights as error:
        return Finding(name, False, error.reason, cure)
    except (OSError, UnicodeError) as error:
        return Finding(name, False, f"cannot be read: {error}", cure)
    return Finding(name, True, f"{count} files, as in the {'model card' if name == 'weights' else 'list beside them'}")


def memory(within_container: int | None) -> Finding:
    """Free main memory: of the machine (psutil), and of the container's limit (bytes), which psutil does not read."""
    available = psutil.virtual_memory().available
    free = available if within_container is None else min(available, within_container)
    found = f"{free / 1e9:.1f} GB free, {NEEDED / 1e9:.1f} GB needed"
    return Finding("memory", free >= NEEDED, found, "close other programs, a browser with many tabs first")


def free_port(host: str, port: int | None) -> Finding:
    """The port given, or the first free one of those that Gradio tries."""
    for candidate in [port] if port else PORTS:
        if _can_listen(host, candidate):
            return Finding("port", True, f"{host}:{candidate} is free")
    which = str(port) if port else f"{PORTS.start} to {PORTS.stop - 1}"
    cure = "end the program that uses it, or choose another with --port; an address of this machine with --host"
    return Finding("port", False, f"cannot listen on {host}, port {which}", cure)


def browser_assets(folder: Path) -> Finding:
    """The files that the browser loads; none comes from another server."""
    missing = [name for name in _PAGE_FILES if not (folder / name).is_file()]
    if missing:
        return Finding("browser", False, f"assets/studio/{missing[0]} is missing", "get the repository's assets again")
    spec = importlib.util.find_spec("gradio")
    page = Path(spec.origin).parent / "templates" / "frontend" / "index.html" if spec and spec.origin else None
    if page is None or not page.is_file():
        return Finding("browser", False, "gradio has no front end", "python -m pip install --force-reinstall gradio")
    return Finding("browser", True, "page, styles and scripts are local")


def pictures() -> Finding:
    """The example pictures."""
    count = len(examples())
    return Finding("examples", count > 0, f"{count} pictures", "get the repository's assets/examples again")


def _can_listen(host: str, port: int) -> bool:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError:
        return False
    return True
