"""What is ready here, what could be fetched, and what stands in the way: one line a model."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from adjointdeis.gradients.memory import free_bytes
from losses.open_clip_models import is_offline
from studio.models.completeness import is_complete
from studio.models.hub import cached, commit_of, hub_answers
from studio.models.placement.placement import OVERHEAD, SHARE, Footprint, best_device
from studio.models.placement.planner import STEPS, estimates
from studio.models.registry import ENTRIES, Entry

State = Literal["ready", "downloadable", "blocked"]


@dataclass(frozen=True)
class Status:
    """One model here and now, and the reason."""

    entry: Entry
    state: State
    reason: str

    def __str__(self) -> str:
        fetched = f"{self.entry.download / 1e9:.1f} GB" if self.entry.download else "-"
        return f"{self.state:13}{self.entry.name:15}{fetched:>7}  {self.entry.licence}: {self.reason}"


def statuses(offline: bool = False, asks: bool = True) -> Iterator[Status]:
    """Of every model of the registry; what the arguments mean, `status` says."""
    for entry in ENTRIES.values():
        yield status(entry, offline, asks)


def status(entry: Entry, offline: bool = False, asks: bool = True) -> Status:
    """Ready: its files and packages are here. Downloadable: all but the files, and the hub answers.

    Args:
        entry: of the registry.
        offline: nothing can be fetched.
        asks: knock at the hub; if not, it is taken to answer, and no network is used.
    """
    if entry.kind == "embedded":
        return Status(entry, "ready", "ships with the studio")
    missing = [name for name in entry.needs if importlib.util.find_spec(name) is None]
    if missing:
        return Status(entry, "blocked", f"needs a package: python -m pip install {' '.join(missing)}")
    if short := _too_small(entry):
        return Status(entry, "blocked", short)
    if (folder := cached(entry)) is not None and is_complete(entry, folder):
        commit = entry.revision or f"{commit_of(folder) or 'a folder'}, not pinned"
        return Status(entry, "ready", f"its files are here ({commit})")
    if not entry.repo:
        return Status(entry, "blocked", f"not on the hub. {entry.note}")
    if is_offline(offline):
        return Status(entry, "blocked", "its files are not here, and the studio is offline")
    if asks and not hub_answers():
        return Status(entry, "blocked", "its files are not here, and the hub does not answer")
    gigabytes = f"{entry.download / 1e9:.1f} GB from {entry.repo}"
    pinned = gigabytes if entry.revision else f"{gigabytes}, not pinned to a commit"
    return Status(entry, "downloadable", f"{pinned}. {entry.note}" if entry.note else pinned)


def summary() -> str:
    """What the lines of all models leave open: for which device they hold, and what to do next."""
    device = best_device()
    free = free_bytes(device)
    room = "" if free is None else f", {free / 2**30:.1f} GiB free"
    loose = [entry.name for entry in ENTRIES.values() if entry.repo and entry.revision is None]
    return (
        f"Judged for this {_word(device)} ({device}{room}). Start one with python app.py --model NAME.\n"
        f"Not pinned, so the newest commit is fetched and recorded: {', '.join(loose) or 'none'}."
    )


def table() -> str:
    """The models as a table in Markdown: licence, memory at N = 20 as estimated, and what was run here."""
    columns = (
        "model",
        "by",
        "licence of the weights",
        "pixels",
        "weights, millions",
        "VRAM at N = 20, estimated: plain",
        "at least",
        "one run takes, expected",
        "here",
    )
    lines = [_row(columns), "|---" * len(columns) + "|"]
    for entry in ENTRIES.values():
        rungs = list(estimates(entry.name).values())
        most, least = (_gigabytes(rungs[k]) for k in (0, -1)) if rungs else ("-", "-")
        ran = "run, trained here" if entry.kind == "embedded" else "loaded and steered as a twin only"
        name, by = f"`{entry.name}`: {entry.title}", entry.repo or "-"
        lines.append(_row((name, by, entry.licence, entry.size, entry.parameters, most, least, entry.speed, ran)))
    return "\n".join(lines)


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _gigabytes(found: Footprint) -> str:
    return f"{(found.total(STEPS) + OVERHEAD) / 2**30:.1f} GiB"


def _too_small(entry: Entry) -> str:
    """Why even the most frugal way of holding a model does not fit; empty if it does, or nobody knows."""
    device, rungs = best_device(), list(estimates(entry.name).values())
    free = free_bytes(device)
    if not rungs or free is None:
        return ""
    least = rungs[0 if device.type == "cpu" else -1].total(STEPS) + (OVERHEAD if device.type != "cpu" else 0)
    if least <= SHARE * free:
        return ""
    share = f"{SHARE:.0%} of the {free / 2**30:.1f} GiB that are free on this {_word(device)}"
    return f"needs about {least / 2**30:.1f} GiB, more than {share}"


def _word(device: torch.device) -> str:
    return "computer" if device.type == "cpu" else "GPU"
