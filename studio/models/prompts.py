"""Prompts -> z, by the model's text encoder, which is used once and then freed.

CLIP     (1, 77, d): the last hidden state of all tokens, padding included, as in Stable Diffusion's training
Gemma    (1, 300, d): the last hidden state; padding tokens are set to 0, which adapters/flow.py masks
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from studio.core.errors import UserError
from studio.models.completeness import check_finite
from studio.models.detect import read_json
from studio.models.hub import variant_of
from studio.models.memory import release_memory

MAX_GEMMA_TOKENS = 300


def encode_prompts(folder: Path, prompts: Sequence[str], device: torch.device) -> list[Tensor]:
    """z (1, tokens, d) in float32 for each prompt, by the folder's `tokenizer` and `text_encoder`.

    Raises:
        UserError: transformers is not installed, or the folder has no text encoder in safetensors.
    """
    try:
        import transformers
    except ImportError as error:
        raise UserError("Text-conditioned models need another package: python -m pip install transformers.") from error
    name = str((read_json(folder / "text_encoder" / "config.json").get("architectures") or ["CLIPTextModel"])[0])
    is_clip = name.startswith("CLIP")
    if not (folder / "text_encoder").is_dir():
        raise UserError(f"“{folder.name}” has no text encoder: its folder needs tokenizer/ and text_encoder/.")
    message = f"The text encoder in “{folder.name}” cannot be loaded: get the folder again."
    try:
        encoder_class: Any = transformers.CLIPTextModel if is_clip else transformers.AutoModel
        encoder, report = encoder_class.from_pretrained(
            folder / "text_encoder",
            # Gemma is larger than the denoiser
            dtype=torch.float32 if is_clip or device.type == "cpu" else torch.bfloat16,
            use_safetensors=True,
            variant=variant_of(folder / "text_encoder"),
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        tokenizer: Any = (transformers.CLIPTokenizer if is_clip else transformers.AutoTokenizer).from_pretrained(
            folder / "tokenizer", local_files_only=True, trust_remote_code=False
        )
    except UserError:
        raise
    except Exception as error:  # parsers of several libraries, each with its own exceptions
        raise UserError(message) from error
    if report["missing_keys"] or report.get("mismatched_keys"):  # transformers would initialise these at random
        raise UserError(message)
    check_finite(encoder, message)
    encoder = encoder.eval().requires_grad_(False).to(device)
    codes = [(_clip if is_clip else _gemma)(encoder, tokenizer, prompt).cpu() for prompt in prompts]
    del encoder
    if device.type == "cuda":
        release_memory()  # the placement is planned by the free memory
    return codes


@torch.no_grad()
def _clip(encoder: Any, tokenizer: Any, prompt: str) -> Tensor:
    max_length = encoder.config.max_position_embeddings
    ids = tokenizer(prompt, padding="max_length", max_length=max_length, truncation=True, return_tensors="pt").input_ids
    z: Tensor = encoder(ids.to(encoder.device))[0].float()
    return z


@torch.no_grad()
def _gemma(encoder: Any, tokenizer: Any, prompt: str) -> Tensor:
    tokenizer.padding_side = "right"
    tokens = tokenizer(
        prompt.lower().strip(),
        padding="max_length",
        max_length=MAX_GEMMA_TOKENS,
        truncation=True,
        add_special_tokens=True,
        return_tensors="pt",
    ).to(encoder.device)
    z: Tensor = encoder(tokens.input_ids, attention_mask=tokens.attention_mask)[0].float()
    mask: Tensor = tokens.attention_mask[..., None]
    return z * mask
