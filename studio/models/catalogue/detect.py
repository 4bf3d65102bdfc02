"""Detects the kind of a model in a local folder, from its configuration files: an `Entry` for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from studio.core.errors import UserError
from studio.models.catalogue.registry import ENTRIES, Entry, Kind

_KINDS: dict[str, Kind] = {
    "DiTTransformer2DModel": "labelled",
    "Transformer2DModel": "labelled",  # DiT's class in older versions of diffusers
    "DiffusionAutoencoder": "diffae",
}
_DEFAULTS = {
    "UNet2DConditionModel": "sd-1.5",
    "SanaTransformer2DModel": "sana-600m",
    "DiTTransformer2DModel": "dit-imagenet",
}
"""Whose guidance a folder with this denoiser gets."""
INDEX, MODULAR_INDEX = "model_index.json", "modular_model_index.json"
"""The files that list the parts of a standard and of a modular pipeline."""


class Component(NamedTuple):
    """A part of a pipeline: its name, the library and name of its class, or None for a part left out, its folder."""

    name: str
    library: str | None
    kind: str | None
    folder: str


def find_entry(name: str, public: bool = False) -> Entry:
    """The registry's entry of that name, or an entry for a local folder or a hub id.

    Raises:
        UserError: there is no such model; or `public` is set and the model is not in the registry.
    """
    if name in ENTRIES:
        return ENTRIES[name]
    if public:
        raise UserError(f"A public studio serves only registered models: choose one of {', '.join(ENTRIES)}.")
    folder = Path(name)
    if folder.is_dir():
        return detect_entry(folder)
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        # size 0: the kind is detected after the download
        return Entry(name, name, "pipeline", name, "not known: see its page", 0, 0, 0, "a minute on a GPU")
    raise UserError(f"There is no model “{name}”: choose one of {', '.join(ENTRIES)}, or give a folder of diffusers.")


def detect_entry(folder: Path, title: str = "") -> Entry:
    """An entry for a folder in diffusers' layout.

    Raises:
        UserError: it has no denoiser, or one that no adapter supports.
    """
    config = read_json(denoiser_folder(folder) / "config.json")
    family = str(config.get("_class_name"))
    latent = any((folder / name).is_dir() for name in ("vae", "vqvae"))
    kind = _KINDS.get(family)
    if family == "UNet2DModel":
        has_classes = config.get("num_class_embeds") or config.get("class_embed_type")
        kind = "labelled" if has_classes else "latent" if latent else "unconditional"
    if kind is None and any((folder / name).is_file() for name in (INDEX, MODULAR_INDEX)):
        kind = "pipeline"
    if kind is None:
        raise UserError(
            f"This folder's denoiser is a {family}, which the studio has no adapter for: save it as a pipeline, with "
            "its model_index.json or modular_model_index.json."
        )
    template = ENTRIES.get(_DEFAULTS.get(family, ""))
    return Entry(
        name=title or folder.name,
        title=title or folder.name,
        kind=kind,
        repo=str(folder),
        licence="your own",
        size=_size(folder, config),
        parameters=0,
        download=0,
        speed="seconds on a GPU",
        prompt=ENTRIES["sd-1.5"].prompt if kind == "pipeline" else "",
        guidance=template.guidance if template else None if kind == "pipeline" else 1.0,
    )


def denoiser_folder(folder: Path) -> Path:
    """The folder of the denoiser: unet, transformer, or the folder itself.

    Raises:
        UserError: none of them has a configuration.
    """
    for candidate in (folder / "unet", folder / "transformer", folder):
        if (candidate / "config.json").is_file():
            return candidate
    raise UserError(
        "This folder holds no model of diffusers: there is no config.json in it, in unet or in transformer."
    )


def components(index: dict[str, Any]) -> list[Component]:
    """The parts that the index of a pipeline lists: [library, class], or [library, class, where it came from].

    Raises:
        UserError: the index places a part outside of the folder.
    """
    found = []
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, list) or not 2 <= len(value) <= 3:
            continue
        origin = value[2] if len(value) == 3 and isinstance(value[2], dict) else {}
        if not all(part is None or isinstance(part, str) for part in value[:2]):
            continue
        library, kind = (*value[:2],) if any(value[:2]) else (*(origin.get("type_hint") or (None, None)),)
        folder = origin.get("subfolder") or name
        if Path(folder).name != folder:
            raise UserError(f"The pipeline's part {name} is not in a folder of its own: get the folder again.")
        found.append(Component(name, library, kind, folder))
    return found


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if there is no such file.

    Raises:
        UserError: the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path.parent.name}/{path.name} is damaged: get the folder again.") from error
    return value if isinstance(value, dict) else {}


def vae_scale_factor(folder: Path) -> int:
    """Pixels of the image for each pixel of the latent, along one side; 1 without an autoencoder."""
    for name in ("vae", "vqvae"):
        config = read_json(folder / name / "config.json")
        blocks = config.get("block_out_channels") or config.get("encoder_block_out_channels")
        if blocks:
            return int(2 ** (len(blocks) - 1))
    return 1


def _size(folder: Path, config: dict[str, Any]) -> int:
    side = config.get("sample_size") or config.get("image_size")
    if side is None:  # a transformer of any size: its autoencoder's is that of the image
        return int(read_json(folder / "vae" / "config.json").get("sample_size") or 64 * vae_scale_factor(folder))
    return int(side if isinstance(side, int) else side[0]) * vae_scale_factor(folder)
