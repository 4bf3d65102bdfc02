"""Networks on disk: config.json and model.safetensors in half precision."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


def save_network(network: nn.Module, config: dict[str, Any], folder: Path) -> None:
    """Write a network's configuration, and its weights in half precision; creates `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    weights = network.state_dict().items()
    save_file({k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in weights}, folder / _WEIGHTS)


def read_network(folder: Path, noun: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The configuration and the weights that `save_network` wrote.

    Args:
        folder: where they are.
        noun: what the network is, for the error message.

    Raises:
        FileNotFoundError: a file is missing; the message names it.
    """
    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} holds no {noun}: {name} is missing.")
    config: dict[str, Any] = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    return config, load_file(folder / _WEIGHTS)
