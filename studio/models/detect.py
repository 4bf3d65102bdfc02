"""What a folder of one's own holds: an `Entry` for it, read from its configuration files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from studio.core.errors import UserError
from studio.models.registry import ENTRIES, Entry, Kind

_KINDS: dict[str, Kind] = {
    "UNet2DConditionModel": "prompted",
    "DiTTransformer2DModel": "labelled",
    "Transformer2DModel": "labelled",  # DiT's name before diffusers split the class
    "SanaTransformer2DModel": "flow",
    "DiffusionAutoencoder": "diffae",
}
_DEFAULTS: dict[Kind, str] = {"prompted": "sd-1.5", "flow": "sana-600m", "labelled": "dit-imagenet"}


def entry_of(name: str, public: bool = False) -> Entry:
    """The registry's entry of that name, or one for a folder or a hub id of one's own.

    Raises:
        UserError: unknown; or a model of one's own where strangers are served.
    """
    if name in ENTRIES:
        return ENTRIES[name]
    if public:
        raise UserError(f"A public studio serves the models it knows: choose one of {', '.join(ENTRIES)}.")
    folder = Path(name)
    if folder.is_dir():
        return recognise(folder)
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        # what it is shows when its files are here
        return Entry(name, name, "prompted", name, "not known: see its page", 0, 0, 0, "a minute on a GPU")
    raise UserError(f"There is no model “{name}”: choose one of {', '.join(ENTRIES)}, or give a folder of diffusers.")


def recognise(folder: Path, title: str = "") -> Entry:
    """The entry of a folder in the layout of diffusers.

    Raises:
        UserError: there is no denoiser in it that the studio knows how to use.
    """
    main = denoiser_folder(folder)
    config = read(main / "config.json")
    family = str(config.get("_class_name"))
    latent = any((folder / name).is_dir() for name in ("vae", "vqvae"))
    kind = _KINDS.get(family)
    if family == "UNet2DModel":
        labelled = config.get("num_class_embeds") or config.get("class_embed_type")
        kind = "labelled" if labelled else "latent" if latent else "unconditional"
    if kind is None:
        raise UserError(f"This folder's denoiser is a {family}, which the studio has no adapter for.")
    like = ENTRIES.get(_DEFAULTS.get(kind, ""))
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
        prompt=like.prompt if like else "",
        guidance=like.guidance if like else 1.0,
    )


def denoiser_folder(folder: Path) -> Path:
    """Where the denoiser's configuration is: in unet, in transformer, or in the folder itself.

    Raises:
        UserError: nowhere.
    """
    for place in (folder / "unet", folder / "transformer", folder):
        if (place / "config.json").is_file():
            return place
    raise UserError(
        "This folder holds no model of diffusers: there is no config.json in it, in unet or in transformer."
    )


def read(path: Path) -> dict[str, Any]:
    """A JSON file; empty if there is none.

    Raises:
        UserError: it is damaged.
    """
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path.parent.name}/{path.name} is damaged: get the folder again.") from error
    return found if isinstance(found, dict) else {}


def vae_factor(folder: Path) -> int:
    """How many pixels one side of a latent's cell covers; 1 without an autoencoder."""
    for name in ("vae", "vqvae"):
        config = read(folder / name / "config.json")
        blocks = config.get("block_out_channels") or config.get("encoder_block_out_channels")
        if blocks:
            return int(2 ** (len(blocks) - 1))
    return 1


def _size(folder: Path, config: dict[str, Any]) -> int:
    side = config.get("sample_size") or config.get("image_size") or 64
    return int(side if isinstance(side, int) else side[0]) * vae_factor(folder)
