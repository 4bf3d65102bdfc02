"""Weights as the package stores them: value = scale * level + lowest, a level being one byte.

    w = scale * q + lowest,   q in 0..255,   one pair (scale, lowest) a tensor

Kept as levels, the files are a quarter of float32's size and the decoded numbers are the package's own, bit for bit;
half precision would be both larger and less exact. A tensor that the package stores in float32 stays so.
In a safetensors file the levels have the tensor's name, and its pair is the float64 tensor `<name>.range`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

_CONFIG, _WEIGHTS, _RANGE = "config.json", "model.safetensors", ".range"


@dataclass(frozen=True)
class Stored:
    """A tensor as it lies on disk.

    Args:
        values: levels, uint8; or the numbers themselves, float32.
        span: (scale, lowest) of levels, float64; None for numbers.
    """

    values: Tensor
    span: Tensor | None = None

    def decoded(self) -> Tensor:
        """The numbers, float32, rounded once from double precision."""
        if self.span is None:
            return self.values.float()
        scale, lowest = self.span.double()
        numbers: Tensor = (self.values.double() * scale + lowest).float()
        return numbers


def save_weights(tensors: Mapping[str, Stored], config: Mapping[str, Any], folder: Path) -> None:
    """Write config.json and model.safetensors into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    flat: dict[str, Tensor] = {}
    for name, stored in tensors.items():
        flat[name] = stored.values.contiguous()
        if stored.span is not None:
            flat[name + _RANGE] = stored.span.double()
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_file(flat, folder / _WEIGHTS)


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json says.

    Raises:
        FileNotFoundError: naming the file that is missing.
        ValueError: it is no JSON object.
    """
    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder.name} holds no face network: {name} is missing; `python -m losses.faces.convert` writes it."
            )
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(_damaged(folder, _CONFIG)) from error
    if not isinstance(config, dict):
        raise ValueError(_damaged(folder, _CONFIG))
    return config


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The decoded tensors by name, float32.

    Raises:
        FileNotFoundError: naming the file that is missing.
        ValueError: levels without their pair.
    """
    read_config(folder)
    flat = load_file(folder / _WEIGHTS)
    names = [name for name in flat if not name.endswith(_RANGE)]
    if any(flat[name].dtype == torch.uint8 and name + _RANGE not in flat for name in names):
        raise ValueError(f"{folder.name} holds levels without their scale.")
    return {name: Stored(flat[name], flat.get(name + _RANGE)).decoded() for name in names}


def fill(network: Network, folder: Path) -> Network:
    """The same network with a folder's weights, frozen and in eval mode.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the weights are damaged, or those of another network.
    """
    read_config(folder)
    try:
        weights = read_weights(folder)
        network.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise ValueError(_damaged(folder, _WEIGHTS)) from error
    if not all(value.isfinite().all() for value in weights.values()):
        raise ValueError(_damaged(folder, _WEIGHTS))
    return network.eval().requires_grad_(False)


def _damaged(folder: Path, name: str) -> str:
    return f"{folder.name}/{name} is damaged, or of another network: get the folder again"


def as_float32(values: bytes, shape: list[int]) -> Tensor:
    """Little-endian float32 -> a tensor of this shape."""
    return torch.frombuffer(bytearray(values), dtype=torch.float32).reshape(shape)


def as_levels(values: bytes, shape: list[int]) -> Tensor:
    """Bytes -> a uint8 tensor of this shape."""
    return torch.frombuffer(bytearray(values), dtype=torch.uint8).reshape(shape)
