"""What losses look through beside a real model, and what only measures: a CLIP of open_clip, and face networks.

None is needed to start: a loss whose network is missing gives an error message (`runs.capabilities`). A judge was asked
for by name, so it is there or the studio does not start.
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
from losses.open_clip_models import Towers, default_clip, is_offline, load_clip
from studio.core.checksums import verify
from studio.core.errors import UserError, log
from studio.models.hub import hub_answers

_HOW_CLIP = "give one with --clip, the name of an open_clip model or a folder with its weights"
_HOW_FACES = "give the folder of one with --faces, or an ONNX file"


@dataclass(frozen=True)
class LossNetworks:
    """Networks, and for those that are not there the sentence that says why.

    Args:
        clip, tokenizer, identity: what losses look through.
        missing: why "clip" or "identity" is None.
        measuring: face networks by name that no loss sees.
    """

    clip: Any = None
    tokenizer: Any = None
    identity: Any = None
    missing: dict[str, str] = field(default_factory=dict)
    measuring: dict[str, Any] = field(default_factory=dict)


def load_loss_networks(
    device: torch.device,
    clip: str = "",
    faces: Path | None = None,
    offline: bool = False,
    measuring: Sequence[Path] = (),
) -> LossNetworks:
    """All that can be loaded.

    Args:
        device: where they go.
        clip: "name/pretrained" of open_clip or a folder; the device's default if empty.
        faces: folder or ONNX file of a face network; the one that comes with the studio if None.
        offline: look at files that are here, and nowhere else.
        measuring: folders or ONNX files of face networks for measuring only.

    Raises:
        UserError: one of the last cannot be loaded, has no thresholds, or is the network of the loss again.
    """
    missing: dict[str, str] = {}
    towers: Towers | None = None
    try:
        towers = load_clip(clip or default_clip(device), device, offline=is_offline(offline) or not hub_answers())
    except Exception as error:
        missing["clip"] = f"{_sentence(error)}; {_HOW_CLIP}"
    identity: FaceNetwork | None = None
    try:
        identity = face_network(faces or DEFAULT_FOLDER, device)
    except Exception as error:
        missing["identity"] = f"{_sentence(error)}; {_HOW_FACES}"
    held_out = _judges(measuring, identity, device)
    return LossNetworks(towers and towers.clip, towers and towers.tokenizer, identity, missing, held_out)


def face_network(path: Path, device: torch.device) -> FaceNetwork:
    """That of an ONNX file, or of a folder as `losses.faces.convert` writes it.

    Raises:
        FileNotFoundError, ImportError, ValueError: why not; the first line is safe to show.
    """
    if path == DEFAULT_FOLDER:
        verify(path)
    return load_onnx_network(path, device=device) if path.suffix == ".onnx" else load_face_network(path, device)


def _judges(paths: Sequence[Path], identity: FaceNetwork | None, device: torch.device) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen = {} if identity is None else {_fingerprint(identity): "the network of the loss"}
    for path in paths:
        try:
            network = face_network(path, device)
        except Exception as error:
            raise UserError(f"The judge “{path.name}” cannot be loaded: {_sentence(error)}.") from error
        if not network.thresholds:
            raise UserError(f"The judge “{path.name}” has no thresholds: write them into “{path.stem}.json” beside it.")
        weights = _fingerprint(network)
        if weights in seen:
            raise UserError(f"The judge “{path.name}” has the same weights as {seen[weights]}: give another.")
        name = path.stem if path.stem not in {*found, "identity"} else f"{path.stem} {len(found) + 1}"
        seen[weights], found[name] = f"the judge “{name}”", network
    return found


def _fingerprint(network: FaceNetwork) -> str:
    """SHA-256 of the numbers of its recognition network, whatever they are called."""
    tensors: dict[str, torch.Tensor] = network.recognition.state_dict()  # type: ignore[attr-defined]
    parts = (value.detach().cpu().float().contiguous().numpy().tobytes() for value in tensors.values())
    return hashlib.sha256(b"".join(sorted(hashlib.sha256(part).digest() for part in parts))).hexdigest()


def _sentence(error: Exception) -> str:
    """Why a network could not be loaded. What `losses` says is safe to show; the rest goes to the log."""
    own = isinstance(error, (ImportError, ValueError, FileNotFoundError))
    if own and getattr(error, "errno", None) is None and str(error):
        return str(error).splitlines()[0].rstrip(".:")
    log.error("A network beside the model cannot be loaded", exc_info=error)
    return "its files cannot be read"
