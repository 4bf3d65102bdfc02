"""Converts pickled weights to safetensors. Unpickling can run code, so only tensors are read.

torch.load(weights_only=True) creates tensors and plain containers only. Objects of any other class (callbacks and
hyperparameters in checkpoints of PyTorch Lightning) become empty placeholders.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from studio.core.errors import UserError
from studio.models.catalogue.registry import ENTRIES, Entry
from studio.models.networks.diffae.convert import write_folder


class _Placeholder:
    """Replaces every class that a checkpoint names; ignores all arguments and state."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...


def convert(source: str, folder: Path | None = None) -> Path:
    """Convert a .bin of diffusers, or the published checkpoint of the diffusion autoencoder, for the studio.

    Args:
        source: path of either; or a name of the registry, whose files are then downloaded from the hub into `folder`.
        folder: output folder; not needed for a .bin.

    Returns:
        The new file, or the new folder.

    Raises:
        UserError: the file cannot be read, or has another format.
    """
    if source in ENTRIES:
        return _download(ENTRIES[source], _required(folder, source))
    file = Path(source)
    if not file.is_file():
        raise UserError(f"There is no file {file.name}: check its path.")
    if file.suffix == ".ckpt":
        output = _required(folder, "LAST.CKPT")
        return write_folder(read_safely(file), output)
    tensors = {name: value.contiguous() for name, value in read_safely(file).items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise UserError(f"{file.name} holds no weights by name.")
    # transformers uses another stem for safetensors
    converted = file.with_name(f"{'model' if file.stem == 'pytorch_model' else file.stem}.safetensors")
    # safetensors refuses tensors that share memory
    save_file({name: value.clone() for name, value in tensors.items()}, converted, metadata={"format": "pt"})
    return converted


def _download(entry: Entry, folder: Path) -> Path:
    """Download the entry's files, and convert every pickle to safetensors."""
    if not entry.repo:
        raise UserError(f"“{entry.title}” is not on the hub: {entry.note or 'it ships with the studio.'}")
    from huggingface_hub import snapshot_download

    files = ["*.json", "*.txt", "*.model", "*diffusion_pytorch_model.bin", "*/pytorch_model.bin"]
    try:
        snapshot_download(entry.repo, revision=entry.revision, allow_patterns=files, local_dir=folder, etag_timeout=5)
    except Exception as error:  # the exceptions of the client's network library
        raise UserError(f"“{entry.title}” cannot be downloaded: check the network, or its page on the hub.") from error
    for file in sorted(folder.rglob("*.bin")):
        convert(str(file))
        file.unlink()
    return folder


def _required(folder: Path | None, source: str) -> Path:
    if folder is None:
        raise UserError(f"Give an output folder: python -m studio.models convert {source} FOLDER.")
    return folder


def read_safely(path: Path) -> dict[str, Any]:
    """Read the tensors of a checkpoint, without running code.

    Raises:
        UserError: it cannot be read, or is not a dictionary.
    """
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
        placeholders: list[Any] = [(type(name.rpartition(".")[2], (_Placeholder,), {}), name) for name in names]
        with torch.serialization.safe_globals(placeholders):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise UserError(f"{path.name} cannot be read as weights only: get it again.") from error
    if not isinstance(checkpoint, dict):
        raise UserError(f"{path.name} holds no weights by name.")
    return checkpoint
