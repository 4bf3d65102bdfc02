"""Quantised weights on disk, as in the package @vladmandic/face-api.

    w = scale * q + lowest,   q in 0..255,   one pair (scale, lowest) for each tensor

The files have a quarter of the size of float32, and the decoded weights equal the package's bit for bit; half precision
would be larger and less exact. Tensors that the package stores in float32 are not quantised. In a safetensors file q
has the tensor's name, and (scale, lowest) is the float64 tensor `<name>.range`.
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
    """A tensor as stored on disk.

    Args:
        values: q, uint8; or the weights themselves, float32.
        span: (scale, lowest) of q, float64; None for weights that are not quantised.
    """

    values: Tensor
    span: Tensor | None = None

    def decoded(self) -> Tensor:
        """The weights, float32, computed in float64 and rounded once."""
        if self.span is None:
            return self.values.float()
        scale, lowest = self.span.double()
        weights: Tensor = (self.values.double() * scale + lowest).float()
        return weights


def save_weights(tensors: Mapping[str, Stored], config: Mapping[str, Any], folder: Path) -> None:
    """Write config.json and model.safetensors; creates `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    flat: dict[str, Tensor] = {}
    for name, stored in tensors.items():
        flat[name] = stored.values.contiguous()
        if stored.span is not None:
            flat[name + _RANGE] = stored.span.double()
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_file(flat, folder / _WEIGHTS)


def read_config(folder: Path) -> dict[str, Any]:
    """The content of config.json.

    Raises:
        FileNotFoundError: a file is missing; the message names it.
        ValueError: config.json is not a JSON object.
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
    """The decoded weights by name, float32.

    Raises:
        FileNotFoundError: a file is missing; the message names it.
        ValueError: a quantised tensor has no (scale, lowest).
    """
    read_config(folder)
    flat = load_file(folder / _WEIGHTS)
    names = [name for name in flat if not name.endswith(_RANGE)]
    if any(flat[name].dtype == torch.uint8 and name + _RANGE not in flat for name in names):
        raise ValueError(f"{folder.name} has quantised weights without their scale.")
    return {name: Stored(flat[name], flat.get(name + _RANGE)).decoded() for name in names}


def fill(network: Network, folder: Path) -> Network:
    """Load a folder's weights into a network, and freeze it; returns the network, in eval mode.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the weights are damaged, or belong to another network.
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
    """Little-endian float32 bytes -> a tensor of the given shape."""
    return torch.frombuffer(bytearray(values), dtype=torch.float32).reshape(shape)


def as_levels(values: bytes, shape: list[int]) -> Tensor:
    """Bytes -> a uint8 tensor of the given shape."""
    return torch.frombuffer(bytearray(values), dtype=torch.uint8).reshape(shape)
