"""`plan`: the fastest placement of a model that fits its device, by estimates.

Those of the registry's models were measured from their published configurations (`python -m studio.models estimate`
writes them down again); a model of one's own is measured when it is loaded, which takes some seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch

from studio.models.detect import denoiser_folder, read
from studio.models.placement.configs import CONFIGS, Configs
from studio.models.placement.placement import OVERHEAD, Footprint, Placement, choose, ladder
from studio.models.registry import ENTRIES, Entry

WRITTEN = Path(__file__).with_name("estimates.json")
STEPS = 20
_GPU = torch.device("cuda")


def plan(entry: Entry, folder: Path, device: torch.device, free: int | None = None) -> Placement:
    """How to hold a model on a device; `free` bytes are measured if None."""
    if device.type == "cpu":
        return Placement(device)  # main memory is large, and every way of saving it costs time
    written = _written().get(entry.name, {})
    totals = {}
    for rung in ladder(device):
        found = written.get(_key(rung)) or _measured(entry, configs_of(folder), rung)
        totals[rung] = found.total(STEPS) + OVERHEAD
    return choose(device, totals, free)


def estimates(name: str) -> dict[str, Footprint]:
    """What was written down of a registry's model, by placement as a person reads it; the fastest first."""
    return _written().get(name, {})


def configs_of(folder: Path) -> Configs:
    """The configurations in a folder."""
    found = {"denoiser": read(denoiser_folder(folder) / "config.json")}
    for name in ("vae", "vqvae"):
        if (folder / name / "config.json").is_file():
            found["vae"] = read(folder / name / "config.json")
    return found


def write(names: Iterable[str] = CONFIGS) -> None:
    """Measure these models of the registry in every placement, and write it down beside what is there."""
    for name in names:
        found = {_key(rung): vars(_measured(ENTRIES[name], CONFIGS[name], rung)) for rung in ladder(_GPU)}
        table = {known: {key: vars(parts) for key, parts in rungs.items()} for known, rungs in _written().items()}
        table[name] = found
        ordered = {known: table[known] for known in CONFIGS if known in table}
        WRITTEN.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def _measured(entry: Entry, configs: Configs, rung: Placement) -> Footprint:
    from studio.models.placement.estimate import footprint  # brings diffusers, which takes seconds

    return footprint(entry.kind, configs, rung, guided=entry.guidance != 1)


def _written() -> Mapping[str, dict[str, Footprint]]:
    if not WRITTEN.is_file():
        return {}
    table = json.loads(WRITTEN.read_text(encoding="utf-8"))
    return {name: {key: Footprint(**parts) for key, parts in rungs.items()} for name, rungs in table.items()}


def _key(rung: Placement) -> str:
    return str(rung).partition(", ")[2] or "plain"
