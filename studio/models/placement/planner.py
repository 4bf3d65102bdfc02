"""`plan`: the fastest placement of a model that fits its device, by estimates of its memory.

The estimates of the registry's models are stored in estimates.json (`python -m studio.models estimate` computes them
again from the published configurations); any other model's are computed when it is loaded, which takes some seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch

from studio.core.errors import log
from studio.models.catalogue.detect import INDEX, MODULAR_INDEX, denoiser_folder, read_json
from studio.models.catalogue.registry import ENTRIES, Entry
from studio.models.placement.configs import CONFIGS, Configs
from studio.models.placement.placement import OVERHEAD, Footprint, Placement, fastest_fit, placements

if TYPE_CHECKING:
    from studio.models.placement.estimate import Estimate

ESTIMATES = Path(__file__).with_name("estimates.json")
STEPS = 20
T = TypeVar("T")
_GPU = torch.device("cuda")


def plan(entry: Entry, folder: Path, device: torch.device, free: int | None = None) -> Placement:
    """The placement of a model on a device; `free` bytes are measured if None."""
    if device.type == "cpu":
        return Placement(device)  # main memory is large, and saving it costs time
    stored = estimates(entry.name)
    totals = {}
    try:
        estimate = None if stored else _estimate(entry, configs_of(folder))
        for placement in considered(entry, placements(device)):
            footprint = stored[_key(placement)] if estimate is None else estimate.footprint(placement)
            totals[placement] = footprint.total(STEPS) + OVERHEAD
    except Exception as error:  # another class of pipeline, or other embeddings: weights of gigabytes, as a rule
        log.info("The memory of “%s” is not estimated: %s", entry.title, error)
        return Placement(device, half=True, checkpointing=True)
    return fastest_fit(device, totals, free)


def considered(entry: Entry, ordered: Sequence[T]) -> Sequence[T]:
    """Of the placements of a GPU, or of what is known of each, in their order: those that a model may get.

    A pipeline is in half precision even if all of it fits, because `load` compares it with the pipeline's own sample.
    Nothing checks the other kinds, which are small: they are in half precision only to fit.
    """
    return ordered[1:] if entry.kind == "pipeline" else ordered


def estimates(name: str) -> dict[str, Footprint]:
    """The stored estimates of a model by the text of its placement, the fastest first; empty if there are none."""
    return _stored().get(name, {})


def configs_of(folder: Path) -> Configs:
    """The configurations in a model's folder."""
    configs = {"denoiser": read_json(denoiser_folder(folder) / "config.json")}
    for name in ("vae", "vqvae"):
        if (folder / name / "config.json").is_file():
            configs["vae"] = read_json(folder / name / "config.json")
    # the shapes of the embeddings are those of the registered pipeline of that class that is most alike
    index = read_json(folder / INDEX) or read_json(folder / MODULAR_INDEX)
    kind, own = str(index.get("_class_name")).replace("Modular", ""), configs["denoiser"].items()
    alike = [known for known in CONFIGS.values() if known.get("pipeline", {}).get("_class_name") == kind]
    if alike:
        nearest = max(alike, key=lambda known: sum(item in own for item in known["denoiser"].items()))
        configs["pipeline"] = dict(nearest["pipeline"])
    return configs


def write(names: Iterable[str] = CONFIGS) -> None:
    """Estimate these models of the registry in every placement, and update the stored estimates."""
    for name in names:
        estimate, table = _estimate(ENTRIES[name], CONFIGS[name]), _stored()
        table[name] = {_key(one): estimate.footprint(one) for one in placements(_GPU)}
        ordered = {one: {key: vars(value) for key, value in table[one].items()} for one in CONFIGS if one in table}
        ESTIMATES.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def _estimate(entry: Entry, configs: Configs) -> Estimate:
    from studio.models.placement.estimate import Estimate  # imports diffusers, which takes seconds

    if entry.kind == "pipeline" and "pipeline" not in configs:
        raise NotImplementedError("The memory of a pipeline of this class is not estimated.")
    guided = entry.guidance not in (0, 1) and not entry.steps
    return Estimate(entry.kind, configs, guided, entry.size, entry.guidance)


def _stored() -> dict[str, dict[str, Footprint]]:
    if not ESTIMATES.is_file():
        return {}
    table = json.loads(ESTIMATES.read_text(encoding="utf-8"))
    return {name: {key: Footprint(**parts) for key, parts in stored.items()} for name, stored in table.items()}


def _key(placement: Placement) -> str:
    return str(placement).partition(", ")[2] or "plain"
