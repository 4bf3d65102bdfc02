"""The status of every model on this machine: ready, downloadable or blocked, and why."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from adjointdeis.gradients.memory import free_bytes
from losses.open_clip_models import is_offline
from studio.models.catalogue.completeness import is_complete
from studio.models.catalogue.hub import cached_folder, commit_of, hub_is_reachable
from studio.models.catalogue.registry import ENTRIES, Entry
from studio.models.placement.placement import OVERHEAD, SHARE, Footprint, best_device
from studio.models.placement.planner import STEPS, considered, estimates

State = Literal["ready", "downloadable", "blocked"]


@dataclass(frozen=True)
class Status:
    """The status of one model, and the reason."""

    entry: Entry
    state: State
    reason: str

    def __str__(self) -> str:
        size = f"{self.entry.download / 1e9:.1f} GB" if self.entry.download else "-"
        return f"{self.state:13}{self.entry.name:15}{size:>7}  {self.entry.licence}: {self.reason}"


def statuses(offline: bool = False, check_hub: bool = True) -> Iterator[Status]:
    """The status of every model of the registry; for the arguments see `status`."""
    for entry in ENTRIES.values():
        yield status(entry, offline, check_hub)


def status(entry: Entry, offline: bool = False, check_hub: bool = True) -> Status:
    """Ready: files and packages are local. Downloadable: the files are missing, and the hub is reachable.

    Args:
        entry: of the registry.
        offline: nothing can be downloaded.
        check_hub: connect to the hub; if not, it counts as reachable, and no network is used.
    """
    if entry.kind == "embedded":
        return Status(entry, "ready", "ships with the studio")
    missing = [name for name in entry.needs if importlib.util.find_spec(name) is None]
    if missing:
        return Status(entry, "blocked", f"needs a package: python -m pip install {' '.join(missing)}")
    if reason := _lacks_memory(entry):
        return Status(entry, "blocked", reason)
    if (folder := cached_folder(entry)) is not None and is_complete(entry, folder):
        commit = entry.revision or f"{commit_of(folder) or 'a folder'}, not pinned"
        return Status(entry, "ready", f"its files are here ({commit})")
    if not entry.repo:
        return Status(entry, "blocked", f"not on the hub. {entry.note}")
    if is_offline(offline):
        return Status(entry, "blocked", "its files are not here, and the studio is offline")
    if check_hub and not hub_is_reachable():
        return Status(entry, "blocked", "its files are not here, and the hub does not answer")
    size = f"{entry.download / 1e9:.1f} GB from " if entry.download else "from "
    gigabytes = size + entry.repo
    pinned = gigabytes if entry.revision else f"{gigabytes}, not pinned to a commit"
    return Status(entry, "downloadable", f"{pinned}. {entry.note}" if entry.note else pinned)


def needed(entry: Entry) -> str:
    """Licence and memory of a model in a few words, before it is loaded."""
    stored = list(estimates(entry.name).values())
    if entry.kind == "embedded":
        memory = "CPU"
    elif stored:
        most, *_, least = considered(entry, stored)
        memory = f"{_gigabytes(least)} to {_gigabytes(most)} of VRAM at N = {STEPS}"
    elif entry.parameters:
        memory = f"{_half(entry) / 2**30:.1f} GiB for its weights, more for a run: not known"
    else:
        memory = "memory not known"
    return f"{entry.licence}, {memory}"


def summary() -> str:
    """The device that the statuses are for, how to start a model, and which models are not pinned."""
    device = best_device()
    free = free_bytes(device)
    room = "" if free is None else f", {free / 2**30:.1f} GiB free"
    unpinned = [entry.name for entry in ENTRIES.values() if entry.repo and entry.revision is None]
    return (
        f"For this {_machine(device)} ({device}{room}). Start one with python app.py --model NAME.\n"
        f"Not pinned, so the newest commit is downloaded and recorded: {', '.join(unpinned) or 'none'}."
    )


def table() -> str:
    """The models as a Markdown table: licence, estimated memory at N = 20, operations, and whether they were run."""
    columns = (
        "model",
        "by",
        "licence of the weights",
        "pixels",
        "weights, millions",
        "VRAM at N = 20, estimated: plain",
        "at least",
        "TFLOP of a network call",
        "one run takes, expected",
        "here",
    )
    lines = [_row(columns), "|---" * len(columns) + "|"]
    for entry in ENTRIES.values():
        stored = list(estimates(entry.name).values())
        # without an estimate, the weights in half precision
        weights = f"not known; {_half(entry) / 2**30:.1f} GiB for its weights"
        unknown = ("not known", weights) if entry.kind == "pipeline" else ("-", "-")
        most, least = (_gigabytes(stored[k]) for k in (0, -1)) if stored else unknown
        operations = f"{stored[0].operations / 1e12:.3g}" if stored else "-"
        ran = "run, trained here" if entry.kind == "embedded" else "loaded and steered as a tiny copy only"
        name, by = f"`{entry.name}`: {entry.title}", entry.repo or "-"
        size, speed = (entry.licence, entry.size, entry.parameters), (operations, entry.speed)
        lines.append(_row((name, by, *size, most, least, *speed, ran)))
    return "\n".join(lines)


def _half(entry: Entry) -> int:
    """Bytes of the denoiser's weights in half precision."""
    return 2 * entry.parameters * 10**6


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _gigabytes(footprint: Footprint) -> str:
    return f"{(footprint.total(STEPS) + OVERHEAD) / 2**30:.1f} GiB"


def _lacks_memory(entry: Entry) -> str:
    """Why the placement with the least memory does not fit; empty if it does, or if that is unknown."""
    device, stored = best_device(), list(estimates(entry.name).values())
    free = free_bytes(device)
    if free is None:
        return ""
    if stored:
        least = stored[0 if device.type == "cpu" else -1].total(STEPS) + (OVERHEAD if device.type != "cpu" else 0)
    else:
        least = _half(entry) * (2 if device.type == "cpu" else 1)
    if least <= SHARE * free:
        return ""
    share = f"{SHARE:.0%} of the {free / 2**30:.1f} GiB that are free on this {_machine(device)}"
    return f"needs about {least / 2**30:.1f} GiB, more than {share}"


def _machine(device: torch.device) -> str:
    return "computer" if device.type == "cpu" else "GPU"
