"""`python app.py --check`: is everything there to open the studio on this machine? Each finding comes with its cure."""

from __future__ import annotations

import importlib.util
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from adjointdeis.gradients.memory import free_bytes
from losses.faces.load import DEFAULT_FOLDER
from studio.core.checksums import CURE, CURE_FACES, BrokenWeights, verify
from studio.models.embedded import ASSETS, WEIGHTS, examples

NEEDED = 1_500_000_000
"""Bytes that the embedded model, torch and the page take together, with room to spare."""
PORTS = range(7860, 7960)
_OURS = ("studio.css", "tabs.css", "present.css", "present.js", "stage.html", "stage.js")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what was found, and what to do where it is not fine."""

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
    """A product on whatever accelerator there is."""
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
    """Every weight file that a folder's card names, by its SHA-256."""
    try:
        count = verify(folder)
    except BrokenWeights as broken:
        return Finding(name, False, broken.found, cure)
    except (OSError, UnicodeError) as error:
        return Finding(name, False, f"cannot be read: {error}", cure)
    return Finding(name, True, f"{count} files, as in the {'model card' if name == 'weights' else 'list beside them'}")


def memory(free: int | None) -> Finding:
    """Main memory that may still be taken."""
    if free is None:
        return Finding("memory", True, "this system does not say how much is free")
    found = f"{free / 1e9:.1f} GB free, {NEEDED / 1e9:.1f} GB needed"
    return Finding("memory", free >= NEEDED, found, "close other programs, a browser with many tabs first")


def free_port(host: str, port: int | None) -> Finding:
    """The port asked for, or the first free one of those that Gradio tries."""
    for one in [port] if port else PORTS:
        if _can_listen(host, one):
            return Finding("port", True, f"{host}:{one} is free")
    which = str(port) if port else f"{PORTS.start} to {PORTS.stop - 1}"
    cure = "end the program that uses it, or choose another with --port; an address of this machine with --host"
    return Finding("port", False, f"cannot listen on {host}, port {which}", cure)


def browser_assets(ours: Path) -> Finding:
    """What the browser loads, all of it from here."""
    missing = [name for name in _OURS if not (ours / name).is_file()]
    if missing:
        return Finding("browser", False, f"assets/studio/{missing[0]} is missing", "get the repository's assets again")
    spec = importlib.util.find_spec("gradio")
    page = Path(spec.origin).parent / "templates" / "frontend" / "index.html" if spec and spec.origin else None
    if page is None or not page.is_file():
        return Finding("browser", False, "gradio has no front end", "python -m pip install --force-reinstall gradio")
    return Finding("browser", True, "page, styles and scripts are local")


def pictures() -> Finding:
    """Example pictures to start from."""
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
