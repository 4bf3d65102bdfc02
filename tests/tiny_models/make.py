"""Tiny copies of the public models: folders of the same layout and classes, with a few thousand random weights.

The code that loads a tiny copy also loads the original, because both have the same files in the same places.

    python -m tests.tiny_models.make FOLDER      writes all of them
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import diffusers
import torch
from safetensors.torch import load_file, save_file

from benchmarks import tiny_pipelines
from studio.models.networks.diffae.network import DiffusionAutoencoder

SIZE = 16
SIZES = {"sana-600m": 32}
"""Sides of the images of copies whose pipelines refuse the usual one."""
_BLOCKS = {"block_out_channels": (8, 16), "norm_num_groups": 4}
_UNET = {
    **_BLOCKS,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 1,
    "attention_head_dim": 4,
}
_VAE = {
    **_BLOCKS,
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "sample_size": SIZE,
}


def ddpm(folder: Path) -> None:
    """A pixel model: all files in the folder itself."""
    diffusers.UNet2DModel(sample_size=SIZE, **_UNET).save_pretrained(folder)
    diffusers.DDPMScheduler(clip_sample=True).save_config(folder)


def labelled_unet(folder: Path) -> None:
    """A pixel model with classes."""
    diffusers.UNet2DModel(sample_size=SIZE, num_class_embeds=3, **_UNET).save_pretrained(folder / "unet")
    diffusers.DDPMScheduler(clip_sample=True).save_config(folder / "scheduler")


def ldm(folder: Path) -> None:
    """Latent diffusion with a VQ autoencoder."""
    side = SIZE // 2
    diffusers.UNet2DModel(sample_size=side, **_UNET).save_pretrained(folder / "unet")
    diffusers.VQModel(latent_channels=3, num_vq_embeddings=16, **_VAE).save_pretrained(folder / "vqvae")
    diffusers.DDIMScheduler(
        beta_start=0.0015, beta_end=0.0195, beta_schedule="scaled_linear", clip_sample=False
    ).save_config(folder / "scheduler")


def dit(folder: Path) -> None:
    """A class-conditional transformer with learned variances, and an autoencoder."""
    diffusers.DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=2,
        norm_num_groups=4,
        sample_size=SIZE // 2,
        patch_size=2,
        num_embeds_ada_norm=3,
    ).save_pretrained(folder / "transformer")
    diffusers.AutoencoderKL(latent_channels=4, **_VAE).save_pretrained(folder / "vae")
    diffusers.DDIMScheduler(clip_sample=False).save_config(folder / "scheduler")


def stable_diffusion(folder: Path, prediction: str = "epsilon") -> None:
    """A UNet with prompts by CLIP, and a small autoencoder for previews."""
    diffusers.UNet2DConditionModel(
        **_BLOCKS,
        sample_size=SIZE // 2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=12,
        attention_head_dim=4,
    ).save_pretrained(folder / "unet")
    diffusers.AutoencoderKL(latent_channels=4, **_VAE).save_pretrained(folder / "vae")
    diffusers.AutoencoderTiny(
        encoder_block_out_channels=(4, 4), decoder_block_out_channels=(4, 4), num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    ).save_pretrained(folder / "vae_tiny")  # fmt: skip
    diffusers.PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=prediction
    ).save_config(folder / "scheduler")
    _clip_text(folder)
    _index(
        folder,
        "StableDiffusionPipeline",
        vae=("diffusers", "AutoencoderKL"),
        text_encoder=("transformers", "CLIPTextModel"),
        tokenizer=("transformers", "CLIPTokenizer"),
        unet=("diffusers", "UNet2DConditionModel"),
        scheduler=("diffusers", "PNDMScheduler"),
        safety_checker=("stable_diffusion", "StableDiffusionSafetyChecker"),
        feature_extractor=("transformers", "CLIPImageProcessor"),
    )


def sana(folder: Path) -> None:
    """A flow-matching transformer, its deep autoencoder, and a text encoder of Gemma's architecture."""
    diffusers.SanaTransformer2DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=8,
        num_layers=2,
        num_cross_attention_heads=2,
        cross_attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=12,
        sample_size=SIZES["sana-600m"] // 2,
    ).save_pretrained(folder / "transformer")
    diffusers.AutoencoderDC(
        latent_channels=4,
        encoder_block_types=("ResBlock", "ResBlock"),
        decoder_block_types=("ResBlock", "ResBlock"),
        encoder_block_out_channels=(8, 16),
        decoder_block_out_channels=(8, 16),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1),
        encoder_qkv_multiscales=((), ()),
        decoder_qkv_multiscales=((), ()),
        scaling_factor=0.41407,
    ).save_pretrained(folder / "vae")
    diffusers.DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    ).save_config(folder / "scheduler")
    _gemma_text(folder)
    _index(
        folder,
        "SanaPipeline",
        tokenizer=("transformers", "GemmaTokenizerFast"),
        text_encoder=("transformers", "Gemma2Model"),
        vae=("diffusers", "AutoencoderDC"),
        transformer=("diffusers", "SanaTransformer2DModel"),
        scheduler=("diffusers", "DPMSolverMultistepScheduler"),
    )


def modular_z_image(folder: Path) -> None:
    """A modular pipeline: a flow-matching transformer with prompts by Qwen 3."""
    torch.manual_seed(0)
    core = tiny_pipelines.modular_z_image().pipe
    core.transformer.save_pretrained(folder / "transformer")
    core.scheduler.save_config(folder / "scheduler")
    diffusers.AutoencoderKL(latent_channels=16, scaling_factor=0.4, shift_factor=0.1, **_VAE).save_pretrained(
        folder / "vae"
    )
    _qwen_text(folder, core.transformer.config.cap_feat_dim)
    parts = {
        "text_encoder": ("transformers", "Qwen3Model"),
        "tokenizer": ("transformers", "Qwen2Tokenizer"),
        "vae": ("diffusers", "AutoencoderKL"),
        "transformer": ("diffusers", "ZImageTransformer2DModel"),
        "scheduler": ("diffusers", "FlowMatchEulerDiscreteScheduler"),
    }
    index = {
        name: (None, None, {"pretrained_model_name_or_path": "Example/Z", "subfolder": name, "type_hint": kind})
        for name, kind in parts.items()
    }
    classes = {"_class_name": "ZImageModularPipeline", "_blocks_class_name": "ZImageAutoBlocks"}
    (folder / "modular_model_index.json").write_text(json.dumps({**classes, **index}), encoding="utf-8")


def _index(folder: Path, kind: str, **parts: tuple[str, str]) -> None:
    """The list of a pipeline's parts, as its `save_pretrained` writes it."""
    (folder / "model_index.json").write_text(json.dumps({"_class_name": kind, **parts}), encoding="utf-8")


def diffae(folder: Path) -> None:
    """The diffusion autoencoder after conversion."""
    tiny_diffae().save_pretrained(folder)


def tiny_diffae() -> DiffusionAutoencoder:
    """Three levels, and an encoder one level deeper."""
    network = DiffusionAutoencoder(
        image_size=SIZE, channels=8, multipliers=(1, 1, 2), encoder_multipliers=(1, 1, 2, 2), depth=1,
        attention=(4,), code=10, embed=12,
    )  # fmt: skip
    return network.eval()


MAKERS: dict[str, Callable[[Path], None]] = {
    "ddpm-celebahq": ddpm,
    "ddpm-church": ddpm,
    "ddpm-cat": ddpm,
    "ldm-celebahq": ldm,
    "diffae-ffhq": diffae,
    "dit-imagenet": dit,
    "sd-1.5": stable_diffusion,
    "sd-turbo": stable_diffusion,
    "sd-2.1": lambda folder: stable_diffusion(folder, "v_prediction"),
    "sana-600m": sana,
    "a class-conditional UNet": labelled_unet,
    "a modular pipeline": modular_z_image,
}
"""By the name of the original in the registry."""


PIPELINES: dict[str, Callable[[], tiny_pipelines.Tiny]] = {
    "sana-sprint": tiny_pipelines.sana_sprint,
    "sdxl": tiny_pipelines.stable_diffusion_xl,
    "sdxl-turbo": tiny_pipelines.stable_diffusion_xl,
    "sd-3.5-medium": tiny_pipelines.stable_diffusion_3,
    "pixart-sigma": tiny_pipelines.pixart_sigma,
    "flux.2-klein": tiny_pipelines.flux2_klein,
    "z-image-turbo": tiny_pipelines.z_image,
    "krea-2-turbo": tiny_pipelines.krea_2_turbo,
    "qwen-image": tiny_pipelines.qwen_image,
    "qwen-image-2.1": tiny_pipelines.qwen_image_21,
    "qwen-image-2.1-turbo": lambda: tiny_pipelines.qwen_image_21(sample_sigmas=[1.0, 0.9, 0.7, 0.4]),
    "wan-2.2": tiny_pipelines.wan_video,
}
"""Models of the registry without a copy in files: a tiny pipeline of the same class, without text encoder."""


def make(name: str, folder: Path) -> Path:
    """Write one tiny copy; its weights depend on the name only.

    Args:
        name: a key of `MAKERS`.
        folder: the output folder.

    Returns:
        The folder.
    """
    torch.manual_seed(sum(name.encode()))
    MAKERS[name](folder)
    for path in folder.rglob("diffusion_pytorch_model.safetensors"):
        tensors = load_file(path)
        tiny_pipelines.fill_zeros(tensors.values())
        save_file(tensors, path, metadata={"format": "pt"})
    return folder


def _clip_text(folder: Path) -> None:
    from transformers import CLIPTextConfig, CLIPTextModel

    words = _letters()
    start, end = len(words), len(words) + 1
    config = CLIPTextConfig(
        vocab_size=len(words) + 2,
        hidden_size=12,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=77,
        bos_token_id=start,
        eos_token_id=end,
    )
    CLIPTextModel(config).save_pretrained(folder / "text_encoder")
    place = folder / "tokenizer"
    place.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: k for k, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    (place / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (place / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    options = {**special, "pad_token": "<|endoftext|>", "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    (place / "tokenizer_config.json").write_text(json.dumps(options), encoding="utf-8")
    (place / "special_tokens_map.json").write_text(json.dumps({**special, "pad_token": "<|endoftext|>"}))


def _gemma_text(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import Gemma2Config, Gemma2Model, PreTrainedTokenizerFast

    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    vocabulary = {word: k for k, word in enumerate([*special, *"abcdefghijklmnopqrstuvwxyz"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>"
    ).save_pretrained(folder / "tokenizer")
    config = Gemma2Config(
        vocab_size=len(vocabulary),
        hidden_size=12,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=6,
        max_position_embeddings=512,
    )
    Gemma2Model(config).save_pretrained(folder / "text_encoder")


def _qwen_text(folder: Path, width: int) -> None:
    from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3Model

    letters = _letters()[:256]
    tokens = {word: k for k, word in enumerate([*letters, "<|endoftext|>"])}
    tokenizer = Qwen2Tokenizer(vocab=tokens, merges=[])
    tokenizer.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    tokenizer.save_pretrained(folder / "tokenizer")
    config = Qwen3Config(
        vocab_size=len(tokens) + 8,
        hidden_size=width,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=512,
    )
    Qwen3Model(config).save_pretrained(folder / "text_encoder")


def _letters() -> list[str]:
    """The 256 bytes in CLIP's notation, within a word and at its end."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = [chr(k) for k in plain] + [chr(256 + k) for k in range(256 - len(plain))]
    return [*letters, *(letter + "</w>" for letter in letters)]


def main(folder: Path) -> Iterator[Path]:
    """Write all tiny copies; yields their folders."""
    for name in MAKERS:
        yield make(name, folder / name.replace(" ", "-"))


if __name__ == "__main__":
    for made in main(Path(sys.argv[1])):
        print(made)
