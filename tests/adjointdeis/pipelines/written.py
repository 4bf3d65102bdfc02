"""A tiny pipeline with its text encoder, as files."""

from pathlib import Path

import diffusers
import torch

from tests.tiny_models.make import make


def stable_diffusion(folder: Path, scheduler: object = None) -> diffusers.StableDiffusionPipeline:
    """Loaded from the files of a twin."""
    from transformers import CLIPTextModel, CLIPTokenizer

    make("sd-turbo", folder)
    return diffusers.StableDiffusionPipeline(
        vae=diffusers.AutoencoderKL.from_pretrained(folder / "vae"),
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        unet=diffusers.UNet2DConditionModel.from_pretrained(folder / "unet"),
        scheduler=scheduler or diffusers.EulerDiscreteScheduler(timestep_spacing="trailing"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sana(folder: Path) -> diffusers.SanaPipeline:
    """A flow model with another text encoder."""
    from transformers import AutoTokenizer, Gemma2Model

    make("sana-600m", folder)
    return diffusers.SanaPipeline(
        vae=diffusers.AutoencoderDC.from_pretrained(folder / "vae"),
        text_encoder=Gemma2Model.from_pretrained(folder / "text_encoder", torch_dtype=torch.float32),
        tokenizer=AutoTokenizer.from_pretrained(folder / "tokenizer"),
        transformer=diffusers.SanaTransformer2DModel.from_pretrained(folder / "transformer"),
        scheduler=diffusers.DPMSolverMultistepScheduler.from_pretrained(folder / "scheduler"),
    )
