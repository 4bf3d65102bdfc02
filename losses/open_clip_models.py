"""`load_clip`: an open_clip model and its tokenizer, by name or from a folder, for the losses of `losses.clip`.

A name is "architecture/weights", such as "ViT-B-32/laion2b_s34b_b79k". A folder holds open_clip_config.json and
open_clip_model.safetensors. Without the weights open_clip only warns and uses random ones; `load_clip` raises an error.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from losses.clip import Tokenizer
from losses.contract import freeze

ON_GPU = "ViT-B-32/laion2b_s34b_b79k"
ON_CPU = "MobileCLIP2-S0/dfndr2b"


@dataclass(frozen=True)
class Towers:
    """A frozen open_clip model and its tokenizer."""

    clip: Any
    tokenizer: Tokenizer
    name: str


def default_clip(device: torch.device) -> str:
    """The name of the default model for a device: a smaller one on a CPU."""
    return ON_CPU if device.type == "cpu" else ON_GPU


def held_out_clip(name: str) -> str:
    """The name of a model that can measure runs whose loss uses `name`: of another architecture and training set."""
    return ON_GPU if name == ON_CPU else ON_CPU


def load_clip(name: str, device: torch.device | str = "cpu", *, offline: bool = False) -> Towers:
    """Load a CLIP model.

    Args:
        name: "architecture/weights", or the path of a folder.
        device: device of the model.
        offline: use the local cache only; HF_HUB_OFFLINE=1 has the same effect.

    Raises:
        ValueError: open_clip has no such architecture or weights, or the files are damaged.
        FileNotFoundError: the folder has no configuration or no weights, or the weights are neither in the cache nor
            downloadable.
        ImportError: open_clip is not installed.
    """
    import open_clip

    folder = Path(name)
    if folder.is_dir():
        source, weights = _local(folder), None
    else:
        source, _, weights = name.partition("/")
        _check(open_clip, source, weights)
        if is_offline(offline):
            weights = _cached(open_clip, source, weights)
    local = folder.is_dir() or (weights is not None and Path(weights).is_file())
    try:
        clip = open_clip.create_model(source, pretrained=weights, require_pretrained=True)
        tokenizer = open_clip.get_tokenizer(source)
    except Exception as error:  # open_clip and its dependencies raise many types, with paths in their messages
        if local:
            raise ValueError(f"the files of {folder.name or name} are damaged: download them again") from error
        raise FileNotFoundError(f"the weights of {name} are not in the local cache and cannot be downloaded") from error
    if not all(value.isfinite().all() for value in clip.parameters()):
        raise ValueError(f"the weights of {folder.name or name} are damaged: some of their values are not finite")
    return Towers(freeze(clip).to(device), tokenizer, name)


def is_offline(offline: bool = False) -> bool:
    """Whether downloads are disabled, by the argument or by the environment variable HF_HUB_OFFLINE."""
    return offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _local(folder: Path) -> str:
    for needed in ("open_clip_config.json", "open_clip_model.safetensors"):
        if not (folder / needed).is_file():
            raise FileNotFoundError(f"the CLIP folder {folder.name} has no {needed}")
    return f"local-dir:{folder.resolve()}"


def _check(open_clip: Any, architecture: str, weights: str) -> None:
    if architecture not in open_clip.list_models():
        raise ValueError(f"open_clip has no architecture {architecture!r}; open_clip.list_models() lists them")
    known = open_clip.list_pretrained_tags_by_model(architecture)
    if weights not in known:
        raise ValueError(f"{architecture} has no weights {weights!r}; choose one of {', '.join(known) or 'none'}")


def _cached(open_clip: Any, architecture: str, weights: str) -> str:
    """The file in the hub's cache. open_clip itself would try the network first, for most of a minute."""
    from huggingface_hub import try_to_load_from_cache

    repo = str(open_clip.get_pretrained_cfg(architecture, weights).get("hf_hub", "")).rpartition("/")[0]
    for file in ("open_clip_model.safetensors", "model.safetensors"):
        found = try_to_load_from_cache(repo, file) if repo else None
        if isinstance(found, str):
            return found
    raise FileNotFoundError(
        f"the weights of {architecture}/{weights} are not in the local cache; downloads are disabled"
    )
