"""The networks of the losses: a CLIP of open_clip and a face network; and held-out face networks for measuring.

A missing CLIP or face network only disables its losses (`runs.capabilities`). Held-out networks are given by the user,
so the studio does not start if one cannot be loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from losses.faces import FaceNetwork, load_face_network, load_onnx_network
from losses.faces.load import DEFAULT_FOLDER
from losses.open_clip_models import Towers, default_clip, held_out_clip, is_offline, load_clip
from studio.core.checksums import verify
from studio.core.errors import UserError, log
from studio.models.catalogue.hub import hub_is_reachable

_CLIP_CURE = "give one with --clip, the name of an open_clip model or a folder with its weights"
_FACES_CURE = "give the folder of one with --faces, or an ONNX file"


@dataclass(frozen=True)
class LossNetworks:
    """Networks of the losses, and the reasons for those that are missing.

    Args:
        clip, tokenizer, identity: networks of the losses.
        missing: why "clip" or "identity" is None.
        held_out: face networks by name that no loss uses.
        second: a CLIP that no loss uses.
    """

    clip: Any = None
    tokenizer: Any = None
    identity: Any = None
    missing: dict[str, str] = field(default_factory=dict)
    held_out: dict[str, Any] = field(default_factory=dict)
    second: Towers | None = None


def load_loss_networks(
    device: torch.device,
    clip: str = "",
    faces: Path | None = None,
    offline: bool = False,
    held_out: Sequence[Path] = (),
    held_out_clip: str = "",
) -> LossNetworks:
    """Load the networks that are available.

    Args:
        device: where they run.
        clip: "name/pretrained" of open_clip or a folder; the device's default if empty.
        faces: folder or ONNX file of a face network; the one that ships with the studio if None.
        offline: use local files only.
        held_out: folders or ONNX files of face networks for measuring only.
        held_out_clip: "name/pretrained" of a CLIP for measuring only, or a folder. If empty, another one than that of
            the loss, if its weights are in the local cache.

    Raises:
        UserError: a held-out network cannot be loaded, has no thresholds, or has the weights of another network.
    """
    missing: dict[str, str] = {}
    towers: Towers | None = None
    try:
        towers = load_clip(clip or default_clip(device), device, offline=is_offline(offline) or not hub_is_reachable())
    except Exception as error:
        missing["clip"] = f"{_reason(error)}; {_CLIP_CURE}"
    identity: FaceNetwork | None = None
    try:
        identity = face_network(faces or DEFAULT_FOLDER, device)
    except Exception as error:
        missing["identity"] = f"{_reason(error)}; {_FACES_CURE}"
    measuring = _load_held_out(held_out, identity, device)
    second = None if towers is None else _load_second(held_out_clip, towers, device, offline)
    return LossNetworks(towers and towers.clip, towers and towers.tokenizer, identity, missing, measuring, second)


def _load_second(name: str, first: Towers, device: torch.device, offline: bool) -> Towers | None:
    """The held-out CLIP; None if none is named and the usual one is not in the local cache."""
    if name and name == first.name:
        raise UserError(f"The held-out CLIP “{name}” is that of the loss: name another one with --held-out-clip.")
    try:
        if name:
            return load_clip(name, device, offline=is_offline(offline) or not hub_is_reachable())
        return load_clip(held_out_clip(first.name), device, offline=True)
    except Exception as error:
        if name:
            raise UserError(f"The held-out CLIP cannot be loaded: {_reason(error)}.") from error
        log.info("No held-out CLIP: %s", error)
        return None


def face_network(path: Path, device: torch.device) -> FaceNetwork:
    """Load a face network from an ONNX file, or from a folder that `losses.faces.convert` wrote.

    Raises:
        FileNotFoundError, ImportError, ValueError: it cannot be loaded; the first line of the message names no path.
    """
    if path == DEFAULT_FOLDER:
        verify(path)
    return load_onnx_network(path, device=device) if path.suffix == ".onnx" else load_face_network(path, device)


def _load_held_out(paths: Sequence[Path], identity: FaceNetwork | None, device: torch.device) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = {} if identity is None else {_fingerprint(identity): "the network of the loss"}
    for path in paths:
        try:
            network = face_network(path, device)
        except Exception as error:
            raise UserError(f"The held-out network “{path.name}” cannot be loaded: {_reason(error)}.") from error
        if not network.thresholds:
            raise UserError(
                f"The held-out network “{path.name}” has no thresholds: write them into “{path.stem}.json” beside it."
            )
        weights = _fingerprint(network)
        if weights in names:
            raise UserError(f"“{path.name}” has the same weights as {names[weights]}: give another held-out network.")
        name = path.stem if path.stem not in {*found, "identity"} else f"{path.stem} {len(found) + 1}"
        names[weights], found[name] = f"the held-out network “{name}”", network
    return found


def _fingerprint(network: FaceNetwork) -> str:
    """SHA-256 of the recognition network's weights, independent of their names."""
    tensors: dict[str, torch.Tensor] = network.recognition.state_dict()  # type: ignore[attr-defined]
    parts = (value.detach().cpu().float().contiguous().numpy().tobytes() for value in tensors.values())
    return hashlib.sha256(b"".join(sorted(hashlib.sha256(part).digest() for part in parts))).hexdigest()


def _reason(error: Exception) -> str:
    """Why a network could not be loaded. The messages of `losses` name no paths; others are only logged."""
    is_own = isinstance(error, (ImportError, ValueError, FileNotFoundError))
    if is_own and getattr(error, "errno", None) is None and str(error):
        return str(error).splitlines()[0].rstrip(".:")
    log.error("A network of the losses cannot be loaded", exc_info=error)
    return "its files cannot be read"
