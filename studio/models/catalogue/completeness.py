"""Checks that a model's folder is complete, before it is loaded, and that its weights are finite, after.

An interrupted download leaves a folder that may pass for another model: without its autoencoder a latent model would be
detected as a pixel model, and without its scheduler it would sample with another noise schedule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from studio.core.errors import UserError
from studio.models.catalogue.detect import INDEX, MODULAR_INDEX, components, denoiser_folder, read_json
from studio.models.catalogue.hub import commit_of, variant_of
from studio.models.catalogue.registry import Entry, Kind

_AUTOENCODERS = ("vae", "vqvae")
_WITH_WEIGHTS = ("unet", "transformer", "text_encoder", "text_encoder_2", "text_encoder_3", *_AUTOENCODERS)
_OTHERS = ("scheduler", "processor", "tokenizer", "tokenizer_2", "tokenizer_3")
_NEEDS: Mapping[Kind, tuple[str, ...]] = {
    "unconditional": ("scheduler",),
    "latent": ("vae", "scheduler"),
    "labelled": ("scheduler",),
    "pipeline": (INDEX,),  # or the modular one; it lists the parts
    "diffae": (),  # its schedule is the default
}
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.safetensors")


def check_complete(entry: Entry, folder: Path) -> None:
    """Check that a folder in diffusers' layout has all parts of a model of this kind.

    Raises:
        UserError: names the first part that is missing, and the cure.
    """
    for part in _parts(entry.kind, folder):
        if not _has(part, folder):
            cure = "start it once with a network" if commit_of(folder) else "get the folder again"
            raise UserError(f"“{entry.title}” is incomplete, without its {part}: {cure}.")
    for subfolder in (denoiser_folder(folder), *(folder / name for name in _WITH_WEIGHTS)):
        if subfolder.is_dir():
            variant_of(subfolder)
            _check_shards(subfolder)


def is_complete(entry: Entry, folder: Path) -> bool:
    """Whether `check_complete` raises no error."""
    try:
        check_complete(entry, folder)
    except UserError:
        return False
    return True


def check_finite(network: torch.nn.Module, message: str) -> None:
    """Check that every parameter is finite.

    Raises:
        UserError: with this message.
    """
    for value in network.parameters():
        if not value.is_floating_point() or not value.isfinite().all():
            raise UserError(message)


def _parts(kind: Kind, folder: Path) -> Iterator[str]:
    """The parts that a kind needs, and those that the folder's model_index.json lists."""
    yield from _NEEDS.get(kind, ())
    if kind == "labelled" and (folder / "transformer").is_dir():
        yield "vae"
    for part in components(read_json(folder / INDEX) or read_json(folder / MODULAR_INDEX)):
        if part.name in (*_WITH_WEIGHTS, *_OTHERS) and part.kind is not None:
            yield part.name


def _has(part: str, folder: Path) -> bool:
    if part == "scheduler":  # a pipeline of one network stores it beside the network's files
        return any((place / "scheduler_config.json").is_file() for place in (folder / "scheduler", folder))
    if part in _AUTOENCODERS:
        return any((folder / name / "config.json").is_file() for name in _AUTOENCODERS)
    if part in ("unet", "transformer"):
        return any((place / "config.json").is_file() for place in (folder / part, folder))
    if part == INDEX and (folder / MODULAR_INDEX).is_file():
        return True
    path = folder / part
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def _check_shards(folder: Path) -> None:
    """Check sharded weights: each file's name contains the number of files."""
    shards: dict[tuple[str, int], set[int]] = {}
    for path in folder.iterdir():
        if found := _SHARD.fullmatch(path.name):
            shards.setdefault((found["stem"], int(found["count"])), set()).add(int(found["number"]))
    for (_, count), present in shards.items():
        if len(present) < count:
            raise UserError(f"“{folder.name}” has {len(present)} of its {count} weight files: get the folder again.")
