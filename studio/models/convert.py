"""Weights in a pickle -> safetensors. A pickle can run code when it is read, so it is read as tensors and nothing else.

torch.load(weights_only=True) builds tensors and plain containers only. Whatever else a file names (callbacks and
hyperparameters in the checkpoints of PyTorch Lightning) becomes an empty shell that does nothing.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from studio.core.errors import UserError
from studio.models.diffae.convert import write_folder
from studio.models.registry import ENTRIES, Entry


class _Shell:
    """Stands for any class that a checkpoint names: takes everything, does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...


def convert(what: str, folder: Path | None = None) -> Path:
    """What the studio can load, from a .bin of diffusers or the published checkpoint of the diffusion autoencoder.

    Args:
        what: path of either; or a name of the registry, whose files are then fetched from the hub into `folder`.
        folder: new; a .bin needs none.

    Returns:
        The new file, or the new folder.

    Raises:
        UserError: it cannot be read, or is neither.
    """
    if what in ENTRIES:
        return _fetched(ENTRIES[what], _needed(folder, what))
    file = Path(what)
    if not file.is_file():
        raise UserError(f"There is no file {file.name}: check its path.")
    if file.suffix == ".ckpt":
        place = _needed(folder, "LAST.CKPT")
        return write_folder(read_safely(file), place)
    found = read_safely(file)
    tensors = {name: value.contiguous() for name, value in found.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise UserError(f"{file.name} holds no weights by name.")
    # transformers names its own differently before and after
    made = file.with_name(f"{'model' if file.stem == 'pytorch_model' else file.stem}.safetensors")
    # two names of one tensor would be refused, and each reader wants its own
    save_file({name: value.clone() for name, value in tensors.items()}, made, metadata={"format": "pt"})
    return made


def _fetched(entry: Entry, folder: Path) -> Path:
    """The entry's files as its publisher has them, with every pickle of weights turned into safetensors."""
    if not entry.repo:
        raise UserError(f"“{entry.title}” is not on the hub: {entry.note or 'it ships with the studio.'}")
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "*.model", "*diffusion_pytorch_model.bin", "*/pytorch_model.bin"]
    try:
        snapshot_download(entry.repo, revision=entry.revision, allow_patterns=wanted, local_dir=folder, etag_timeout=5)
    except Exception as error:  # of whatever library the hub's client asks the network with
        raise UserError(f"“{entry.title}” cannot be fetched: check the network, or its page on the hub.") from error
    for file in sorted(folder.rglob("*.bin")):
        convert(str(file))
        file.unlink()
    return folder


def _needed(folder: Path | None, what: str) -> Path:
    if folder is None:
        raise UserError(f"Say where the folder goes: python -m studio.models convert {what} FOLDER.")
    return folder


def read_safely(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, without running anything in it.

    Raises:
        UserError: it cannot be read.
    """
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
        shells: list[Any] = [(type(name.rpartition(".")[2], (_Shell,), {}), name) for name in names]
        with torch.serialization.safe_globals(shells):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise UserError(f"{path.name} cannot be read as weights and nothing else: get it again.") from error
    if not isinstance(found, dict):
        raise UserError(f"{path.name} holds no weights by name.")
    return found
