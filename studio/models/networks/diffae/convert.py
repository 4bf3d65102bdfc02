"""Converts the authors' checkpoint of the diffusion autoencoder to a folder with config.json and safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from studio.core.errors import UserError
from studio.models.networks.diffae.network import DiffusionAutoencoder

_EMA = "ema_model."
_OTHERS = ("latent_net.", "noise_net.")


def write_folder(checkpoint: Mapping[str, Any], folder: Path, **config: Any) -> Path:
    """Write the averaged (EMA) weights as a folder that the studio loads.

    Args:
        checkpoint: contents of the published last.ckpt.
        folder: output folder; existing files are overwritten.
        config: of DiffusionAutoencoder; by default the FFHQ model at 256 pixels.

    Raises:
        UserError: the checkpoint has no averaged weights, or those of another architecture.
    """
    weights = checkpoint.get("state_dict", checkpoint)
    state = {name.removeprefix(_EMA): value for name, value in weights.items() if name.startswith(_EMA)}
    state = {name: value for name, value in state.items() if not name.startswith(_OTHERS)}
    if not state:
        raise UserError("This checkpoint holds no averaged weights (ema_model): choose the authors' last.ckpt.")
    network = DiffusionAutoencoder(**config)
    _check(state, network.state_dict())
    network.load_state_dict(state)
    network.save_pretrained(folder, safe_serialization=True)
    return folder


def _check(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise a UserError that names the first tensor that is missing, unexpected, or of another shape."""
    other = "This checkpoint is of another architecture:"
    for name, value in expected.items():
        if name not in state:
            raise UserError(f"{other} {name} is missing in it.")
        if state[name].shape != value.shape:
            raise UserError(f"{other} {name} is {tuple(state[name].shape)} in it and {tuple(value.shape)} here.")
    if extra := set(state) - set(expected):
        raise UserError(f"{other} {min(extra)} has no place here.")
