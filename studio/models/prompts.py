"""Prompts -> z, by the text encoder that a model was trained with. It is used once at the start, and then let go.

CLIP     (1, 77, d): the last hidden state of all tokens, padding included, as Stable Diffusion was trained
Gemma    (1, 300, d): the last hidden state; tokens of padding are set to 0, which flow.py leaves out
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from studio.core.errors import UserError
from studio.models.completeness import check_numbers
from studio.models.detect import read
from studio.models.hub import variant_of
from studio.models.memory import release_memory

LONGEST_GEMMA = 300


def prompt_codes(folder: Path, prompts: Sequence[str], device: torch.device) -> list[Tensor]:
    """z (1, tokens, d) in float32 for each prompt, by the folder's `tokenizer` and `text_encoder`.

    Raises:
        UserError: transformers is not installed, or the folder has no text encoder in safetensors.
    """
    try:
        import transformers
    except ImportError as error:
        raise UserError("Models steered by text need a package more: python -m pip install transformers.") from error
    name = str((read(folder / "text_encoder" / "config.json").get("architectures") or ["CLIPTextModel"])[0])
    clip = name.startswith("CLIP")
    if not (folder / "text_encoder").is_dir():
        raise UserError(f"“{folder.name}” has no text encoder: its folder needs tokenizer/ and text_encoder/.")
    sentence = f"The text encoder in “{folder.name}” cannot be loaded: get the folder again."
    try:
        maker: Any = transformers.CLIPTextModel if clip else transformers.AutoModel
        encoder, report = maker.from_pretrained(
            folder / "text_encoder",
            # Gemma is larger than the models it writes prompts for
            dtype=torch.float32 if clip or device.type == "cpu" else torch.bfloat16,
            use_safetensors=True,
            variant=variant_of(folder / "text_encoder"),
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        tokenizer: Any = (transformers.CLIPTokenizer if clip else transformers.AutoTokenizer).from_pretrained(
            folder / "tokenizer", local_files_only=True, trust_remote_code=False
        )
    except UserError:
        raise
    except Exception as error:  # parsers of several libraries, each with errors of its own
        raise UserError(sentence) from error
    if report["missing_keys"] or report.get("mismatched_keys"):  # transformers would go on with random numbers
        raise UserError(sentence)
    check_numbers(encoder, sentence)
    encoder = encoder.eval().requires_grad_(False).to(device)
    codes = [(_clip if clip else _gemma)(encoder, tokenizer, prompt).cpu() for prompt in prompts]
    del encoder
    if device.type == "cuda":
        release_memory()  # what comes next is planned by the memory that is free
    return codes


@torch.no_grad()
def _clip(encoder: Any, tokenizer: Any, prompt: str) -> Tensor:
    longest = encoder.config.max_position_embeddings
    ids = tokenizer(prompt, padding="max_length", max_length=longest, truncation=True, return_tensors="pt").input_ids
    z: Tensor = encoder(ids.to(encoder.device))[0].float()
    return z


@torch.no_grad()
def _gemma(encoder: Any, tokenizer: Any, prompt: str) -> Tensor:
    tokenizer.padding_side = "right"
    tokens = tokenizer(
        prompt.lower().strip(),
        padding="max_length",
        max_length=LONGEST_GEMMA,
        truncation=True,
        add_special_tokens=True,
        return_tensors="pt",
    ).to(encoder.device)
    z: Tensor = encoder(tokens.input_ids, attention_mask=tokens.attention_mask)[0].float()
    kept: Tensor = tokens.attention_mask[..., None]
    return z * kept
