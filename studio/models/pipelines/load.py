"""Loads a pipeline of diffusers from a local folder: weights from safetensors only, no code from the folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch

from studio.core.errors import UserError
from studio.models.build import from_folder
from studio.models.completeness import check_finite
from studio.models.detect import read_json
from studio.models.hub import variant_of

_LEFT_OUT = ("safety_checker", "feature_extractor", "image_encoder")
"""Parts that no text-to-image call without a safety checker needs."""


def load_pipeline(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """The pipeline that a folder's model_index.json names.

    Args:
        folder: in the layout of `DiffusionPipeline.save_pretrained`.
        dtype: of all networks but the VAE, which stays in float32.

    Raises:
        UserError: it names a class or a part that is not diffusers' or transformers', a file is damaged or missing.
    """
    index = read_json(folder / "model_index.json")
    kind = _pipeline_class(index.get("_class_name"))
    parts: dict[str, Any] = {}
    for name, origin in index.items():
        if not isinstance(origin, list) or name.startswith("_"):
            continue
        if name in _LEFT_OUT or not any(origin):
            parts[name] = None
        elif (network := _network(name, origin, folder / name, dtype)) is not None:
            parts[name] = network
    if "safety_checker" in parts:
        parts["requires_safety_checker"] = False
    message = f"The pipeline in “{folder.name}” cannot be loaded: get the folder again."
    try:
        return kind.from_pretrained(folder, local_files_only=True, **parts)
    except Exception as error:  # parsers of several libraries, each with its own exceptions
        raise UserError(message) from error


def _pipeline_class(name: Any) -> Any:
    kind = getattr(diffusers, name, None) if isinstance(name, str) else None
    if not (isinstance(kind, type) and issubclass(kind, diffusers.DiffusionPipeline)):
        raise UserError(f"The class of this pipeline, {name}, is none of diffusers {diffusers.__version__}.")
    return kind


def _network(name: str, origin: list[Any], folder: Path, dtype: torch.dtype) -> Any:
    """A part with weights; None for a scheduler or a tokenizer, which the pipeline's class loads."""
    library, kind = (*origin, None, None)[:2]
    if library not in ("diffusers", "transformers"):
        raise UserError(f"The pipeline's part {name} is from {library}: only diffusers and transformers are used.")
    if library == "diffusers":
        found = getattr(diffusers, str(kind), None)
        if not (isinstance(found, type) and issubclass(found, torch.nn.Module)):
            return None
        return from_folder(found, folder, torch.float32 if name == "vae" else dtype)
    try:
        import transformers
    except ImportError as error:
        raise UserError("Text-conditioned models need another package: python -m pip install transformers.") from error
    found = getattr(transformers, str(kind), None)
    if not (isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)):
        return None
    return _text_encoder(found, folder, dtype)


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
