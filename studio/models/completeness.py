"""Is all of a model here, and is it what it should be? Looked at before anything is loaded, and just after.

A download that was cut short leaves a folder that looks like another, smaller model: without its autoencoder a latent
model is taken for one of pixels, without its scheduler it samples on a noise schedule that it was not trained with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from studio.core.errors import UserError
from studio.models.detect import denoiser_folder, read
from studio.models.hub import commit_of, variant_of
from studio.models.registry import Entry, Kind

_AUTOENCODERS = ("vae", "vqvae")
_WITH_WEIGHTS = ("unet", "transformer", "text_encoder", *_AUTOENCODERS)
_OTHERS = ("scheduler", "tokenizer")
_NEEDS: Mapping[Kind, tuple[str, ...]] = {
    "unconditional": ("scheduler",),
    "latent": ("vae", "scheduler"),
    "labelled": ("scheduler",),
    "prompted": ("vae", "scheduler", "text_encoder", "tokenizer"),
    "flow": ("vae", "scheduler", "text_encoder", "tokenizer"),
    "diffae": (),  # its schedule is in its code
}
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.safetensors")


def check_complete(entry: Entry, folder: Path) -> None:
    """Nothing, where a folder in the layout of diffusers holds all parts of a model of this kind.

    Raises:
        UserError: the first part that is missing, and what to do.
    """
    for part in _parts(entry.kind, folder):
        if not _has(part, folder):
            where = "start it once with a network" if commit_of(folder) else "get the folder again"
            raise UserError(f"“{entry.title}” is here only in part, without its {part}: {where}.")
    for place in (denoiser_folder(folder), *(folder / name for name in _WITH_WEIGHTS)):
        if place.is_dir():
            variant_of(place)
            _check_shards(place)


def is_complete(entry: Entry, folder: Path) -> bool:
    """Whether `check_complete` has nothing to say."""
    try:
        check_complete(entry, folder)
    except UserError:
        return False
    return True


def check_numbers(network: torch.nn.Module, sentence: str) -> None:
    """Nothing, where every parameter is a finite number.

    Raises:
        UserError: this sentence.
    """
    for value in network.parameters():
        if not value.is_floating_point() or not value.isfinite().all():
            raise UserError(sentence)


def _parts(kind: Kind, folder: Path) -> Iterator[str]:
    """What a kind needs, and what the folder's own list of parts names."""
    yield from _NEEDS.get(kind, ())
    if kind == "labelled" and (folder / "transformer").is_dir():
        yield "vae"
    for name, made_of in read(folder / "model_index.json").items():
        if name in (*_WITH_WEIGHTS, *_OTHERS) and isinstance(made_of, list) and any(made_of):
            yield name


def _has(part: str, folder: Path) -> bool:
    if part == "scheduler":  # models of a single network have it beside that network's own files
        return any((place / "scheduler_config.json").is_file() for place in (folder / "scheduler", folder))
    if part in _AUTOENCODERS:
        return any((folder / name / "config.json").is_file() for name in _AUTOENCODERS)
    if part in ("unet", "transformer"):
        return any((place / "config.json").is_file() for place in (folder / part, folder))
    return (folder / part).is_dir() and any((folder / part).iterdir())


def _check_shards(place: Path) -> None:
    """Weights in several files say in each name how many there are."""
    shards: dict[tuple[str, int], set[int]] = {}
    for path in place.iterdir():
        if found := _SHARD.fullmatch(path.name):
            shards.setdefault((found["stem"], int(found["count"])), set()).add(int(found["number"]))
    for (_, count), there in shards.items():
        if len(there) < count:
            raise UserError(f"“{place.name}” holds {len(there)} of its {count} files of weights: get the folder again.")
