"""Loads a pipeline of diffusers, standard or modular, from a folder: safetensors only, no code from the folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch

from studio.core.errors import UserError
from studio.models.catalogue.completeness import check_finite
from studio.models.catalogue.detect import INDEX, MODULAR_INDEX, Component, components, read_json
from studio.models.catalogue.hub import variant_of
from studio.models.loading.build import from_folder

_LEFT_OUT = ("safety_checker", "feature_extractor", "image_encoder")
"""Parts that no text-to-image call without a safety checker needs."""


def load_pipeline(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """The pipeline that a folder's model_index.json names, or else its modular_model_index.json.

    Args:
        folder: in the layout of `save_pretrained`, with all parts in it.
        dtype: of all networks but the VAE, which stays in float32.

    Raises:
        UserError: it names a class or a part that is not diffusers' or transformers', a file is damaged or missing.
    """
    modular = not (folder / INDEX).is_file()
    index = read_json(folder / (MODULAR_INDEX if modular else INDEX))
    base: Any = diffusers.ModularPipeline if modular else diffusers.DiffusionPipeline
    kind = _class_of_diffusers("class of this pipeline", index.get("_class_name"), base)
    parts: dict[str, Any] = {}
    for part in components(index):
        if part.name in _LEFT_OUT or part.kind is None:
            parts[part.name] = None
        elif (network := _network(part, folder, dtype)) is not None:
            parts[part.name] = network
    message = f"The pipeline in “{folder.name}” cannot be loaded: get the folder again."
    try:
        return (_modular if modular else _standard)(kind, index, folder, parts)
    except UserError:
        raise
    except Exception as error:  # parsers of several libraries, each with its own exceptions
        raise UserError(message) from error


def _standard(kind: Any, index: dict[str, Any], folder: Path, parts: dict[str, Any]) -> Any:
    if "safety_checker" in parts:
        parts["requires_safety_checker"] = False
    return kind.from_pretrained(folder, local_files_only=True, **parts)


def _modular(kind: Any, index: dict[str, Any], folder: Path, parts: dict[str, Any]) -> Any:
    """A modular pipeline with its blocks; where its files came from, which the index names too, is not used."""
    listed = components(index)
    names = {part.name for part in listed}
    if (blocks := index.get("_blocks_class_name")) is not None:
        _class_of_diffusers("block class of this pipeline", blocks, diffusers.ModularPipelineBlocks)
    pipe = kind(modular_config_dict={name: value for name, value in index.items() if name not in names})
    for part in listed:
        if part.name not in parts and (folder / part.folder).is_dir():
            options = {"trust_remote_code": False} if part.library == "transformers" else {}
            place = folder / part.folder
            parts[part.name] = _class_of(part).from_pretrained(place, local_files_only=True, **options)
    pipe.update_components(**{name: part for name, part in parts.items() if part is not None})
    return pipe


def _class_of_diffusers(what: str, name: Any, base: Any) -> Any:
    kind = getattr(diffusers, name, None) if isinstance(name, str) else None
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise UserError(f"The {what}, {name}, is none of diffusers {diffusers.__version__}.")
    return kind


def _class_of(part: Component) -> Any:
    """The class of a part.

    Raises:
        UserError: it is of another library than diffusers and transformers, or transformers is missing.
    """
    if part.library == "diffusers":
        return getattr(diffusers, str(part.kind), None)
    if part.library != "transformers":
        raise UserError(
            f"The pipeline's part {part.name} is from {part.library}: only diffusers and transformers are used."
        )
    try:
        import transformers
    except ImportError as error:
        raise UserError("Text-conditioned models need another package: python -m pip install transformers.") from error
    return getattr(transformers, str(part.kind), None)


def _network(part: Component, folder: Path, dtype: torch.dtype) -> Any:
    """A part with weights; None for a scheduler or a tokenizer, and for a part without files."""
    found = _class_of(part)
    if not (isinstance(found, type) and issubclass(found, torch.nn.Module) and (folder / part.folder).is_dir()):
        return None
    if part.library == "diffusers":
        return from_folder(found, folder / part.folder, torch.float32 if part.name == "vae" else dtype)
    return _text_encoder(found, folder / part.folder, dtype)


def _text_encoder(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    message = f"The text encoder in “{folder.name}” cannot be loaded: get the folder again."
    try:
        encoder, report = kind.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            variant=variant_of(folder),
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except UserError:
        raise
    except Exception as error:  # parsers of several libraries, each with its own exceptions
        raise UserError(message) from error
    if report["missing_keys"] or report.get("mismatched_keys"):  # transformers would initialise these at random
        raise UserError(message)
    check_finite(encoder, message)
    return encoder
