"""What losses look through beside a real model: a CLIP of open_clip, and a face network.

Neither is needed to start: a loss whose network is not there says so in a sentence (`studio.serves`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from losses.faces.load import DEFAULT_FOLDER, load_face_network
from losses.open_clip_models import Towers, default_clip, is_offline, load_clip
from studio.models.source import hub_answers

_HOW_CLIP = "give one with --clip, the name of an open_clip model or a folder with its weights"
_HOW_FACES = "give the folder of one with --faces"


@dataclass(frozen=True)
class Judges:
    """Networks, and for those that are not there the sentence that says why."""

    clip: Any = None
    tokenizer: Any = None
    identity: Any = None
    missing: dict[str, str] = field(default_factory=dict)


def load_judges(device: torch.device, clip: str = "", faces: Path | None = None, offline: bool = False) -> Judges:
    """All that can be loaded.

    Args:
        device: where they go.
        clip: "name/pretrained" of open_clip or a folder; the device's default if empty.
        faces: folder of a face network; the one that comes with the studio if None.
        offline: look at files that are here, and nowhere else.
    """
    missing: dict[str, str] = {}
    towers: Towers | None = None
    try:
        towers = load_clip(clip or default_clip(device), device, offline=is_offline(offline) or not hub_answers())
    except (OSError, ValueError, RuntimeError) as error:
        missing["clip"] = f"{str(error).rstrip('.')}; {_HOW_CLIP}"
    identity: Any = None
    try:
        identity = load_face_network(faces or DEFAULT_FOLDER, device)
    except OSError as error:
        missing["identity"] = f"{str(error).rstrip('.')}; {_HOW_FACES}"
    return Judges(towers and towers.clip, towers and towers.tokenizer, identity, missing)
