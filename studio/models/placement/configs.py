"""The published configurations of the registry's models, to estimate their memory before they are downloaded.

Fields at diffusers' defaults are left out, but for the numbers of layers. A pipeline also has its class, the scheduler
that the studio gives it, and the shapes of its embeddings (tokens, width) without the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Configs = Mapping[str, Mapping[str, Any]]

_DDPM = {
    "_class_name": "UNet2DModel",
    "sample_size": 256,
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": (128, 128, 256, 256, 512, 512),
    "down_block_types": (*("DownBlock2D",) * 4, "AttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "AttnUpBlock2D", *("UpBlock2D",) * 4),
    "attention_head_dim": None,
    "downsample_padding": 0,
    "flip_sin_to_cos": False,
    "freq_shift": 1,
    "norm_eps": 1e-6,
}
_LDM = {
    "_class_name": "UNet2DModel",
    "sample_size": 64,
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": (224, 448, 672, 896),
    "down_block_types": ("DownBlock2D", *("AttnDownBlock2D",) * 3),
    "up_block_types": (*("AttnUpBlock2D",) * 3, "UpBlock2D"),
    "attention_head_dim": 32,
}
_VQ = {
    "_class_name": "VQModel",
    "block_out_channels": (128, 256, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "layers_per_block": 2,
    "latent_channels": 3,
    "num_vq_embeddings": 8192,
}
_SD = {
    "_class_name": "UNet2DConditionModel",
    "sample_size": 64,
    "in_channels": 4,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
_SD2 = {**_SD, "cross_attention_dim": 1024, "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True}
_KL = {
    "_class_name": "AutoencoderKL",
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "latent_channels": 4,
}
_DIT = {
    "_class_name": "DiTTransformer2DModel",
    "sample_size": 32,
    "in_channels": 4,
    "out_channels": 8,
    "num_layers": 28,
    "num_attention_heads": 16,
    "attention_head_dim": 72,
    "patch_size": 2,
    "num_embeds_ada_norm": 1000,
}
_SANA = {
    "_class_name": "SanaTransformer2DModel",
    "sample_size": 16,
    "in_channels": 32,
    "num_layers": 28,
    "num_attention_heads": 36,
    "attention_head_dim": 32,
    "num_cross_attention_heads": 16,
    "cross_attention_head_dim": 72,
    "cross_attention_dim": 1152,
    "caption_channels": 2304,
}
_DC = {
    "_class_name": "AutoencoderDC",
    "latent_channels": 32,
    "encoder_block_types": (*("ResBlock",) * 3, *("EfficientViTBlock",) * 3),
    "decoder_block_types": (*("ResBlock",) * 3, *("EfficientViTBlock",) * 3),
    "encoder_block_out_channels": (128, 256, 512, 512, 1024, 1024),
    "decoder_block_out_channels": (128, 256, 512, 512, 1024, 1024),
    "encoder_layers_per_block": (2, 2, 2, 3, 3, 3),
    "decoder_layers_per_block": (3, 3, 3, 3, 3, 3),
    "encoder_qkv_multiscales": ((), (), (), (5,), (5,), (5,)),
    "decoder_qkv_multiscales": ((), (), (), (5,), (5,), (5,)),
    "downsample_block_type": "conv",
    "upsample_block_type": "interpolate",
    "scaling_factor": 0.41407,
}
_XL = {
    "_class_name": "UNet2DConditionModel",
    "sample_size": 128,
    "cross_attention_dim": 2048,
    "attention_head_dim": (5, 10, 20),
    "use_linear_projection": True,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
_SD3 = {
    "_class_name": "SD3Transformer2DModel",
    "num_layers": 24,
    "num_attention_heads": 24,
    "attention_head_dim": 64,
    "joint_attention_dim": 4096,
    "caption_projection_dim": 1536,
    "pos_embed_max_size": 384,
    "dual_attention_layers": tuple(range(13)),
    "qk_norm": "rms_norm",
}
_PIXART = {
    "_class_name": "PixArtTransformer2DModel",
    "sample_size": 128,
    "num_layers": 28,
    "caption_channels": 4096,
    "interpolation_scale": 2,
    "use_additional_conditions": False,
}
_KLEIN = {
    "_class_name": "Flux2Transformer2DModel",
    "num_layers": 5,
    "num_single_layers": 20,
    "num_attention_heads": 24,
    "joint_attention_dim": 7680,
    "guidance_embeds": False,
}
_Z_IMAGE = {"_class_name": "ZImageTransformer2DModel", "n_layers": 30}
_QWEN = {"_class_name": "QwenImageTransformer2DModel", "num_layers": 60}
_QWEN21 = {"_class_name": "QwenImage21Transformer2DModel", "num_layers": 32}
_KREA2 = {"_class_name": "Krea2Transformer2DModel", "num_layers": 28}
_WAN = {
    "_class_name": "WanTransformer3DModel",
    "num_layers": 30,
    "num_attention_heads": 24,
    "in_channels": 48,
    "out_channels": 48,
    "ffn_dim": 14336,
}
_KL16 = {**_KL, "latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False}
_WAN_VAE = {
    "_class_name": "AutoencoderKLWan",
    "base_dim": 160,
    "decoder_base_dim": 256,
    "z_dim": 48,
    "is_residual": True,
    "in_channels": 12,
    "out_channels": 12,
    "patch_size": 2,
    "scale_factor_spatial": 16,
}
_DIFFAE = {"_class_name": "DiffusionAutoencoder", "image_size": 256, "code": 512}


def _pipeline(
    denoiser: Mapping[str, Any], vae: Mapping[str, Any], name: str, scheduler: str = "", **embeddings: Any
) -> Configs:
    """The configurations of a pipeline with prompts.

    Args:
        denoiser: as in config.json.
        vae: the same.
        name: the pipeline's class.
        scheduler: the scheduler's class; Euler's for a flow if empty.
        embeddings: by the argument's name, (tokens, width); a mask has (tokens,).
    """
    flow = "FlowMatchEulerDiscreteScheduler"
    pipeline = {"_class_name": name, "scheduler": scheduler or flow, "embeddings": embeddings}
    return {"denoiser": denoiser, "vae": vae, "pipeline": pipeline}


def _diffusion(denoiser: Mapping[str, Any], vae: Mapping[str, Any], name: str, **embeddings: Any) -> Configs:
    return _pipeline(denoiser, vae, name, "DDIMScheduler", **embeddings)


def _stable(unet: Mapping[str, Any]) -> Configs:
    return _diffusion(unet, _KL, "StableDiffusionPipeline", prompt_embeds=(77, unet["cross_attention_dim"]))


_STABLE_XL = _diffusion(
    _XL, _KL, "StableDiffusionXLPipeline", prompt_embeds=(77, 2048), pooled_prompt_embeds=(1280,)
)  # fmt: skip
_QWEN21_PIPELINE = _pipeline(
    _QWEN21, {"_class_name": "AutoencoderKLQwenImage21"}, "QwenImage21Pipeline", prompt_embeds=(512, 4096)
)  # fmt: skip

CONFIGS: Mapping[str, Configs] = MappingProxyType(
    {
        "ddpm-celebahq": {"denoiser": _DDPM},
        "ddpm-church": {"denoiser": _DDPM},
        "ddpm-cat": {"denoiser": _DDPM},
        "ldm-celebahq": {"denoiser": _LDM, "vae": _VQ},
        "diffae-ffhq": {"denoiser": _DIFFAE},
        "dit-imagenet": {"denoiser": _DIT, "vae": _KL},
        "sd-1.5": _stable(_SD),
        "sd-turbo": _stable(_SD2),
        "sd-2.1": _stable({**_SD2, "sample_size": 96}),
        "sana-600m": _pipeline(_SANA, _DC, "SanaPipeline", prompt_embeds=(300, 2304), prompt_attention_mask=(300,)),
        "sana-sprint": _pipeline(
            {**_SANA, "sample_size": 32, "guidance_embeds": True, "qk_norm": "rms_norm_across_heads"},
            _DC,
            "SanaSprintPipeline",
            "SCMScheduler",
            prompt_embeds=(300, 2304),
            prompt_attention_mask=(300,),
        ),
        "sdxl": _STABLE_XL,
        "sdxl-turbo": _STABLE_XL,
        "sd-3.5-medium": _pipeline(
            _SD3, _KL16, "StableDiffusion3Pipeline", prompt_embeds=(333, 4096), pooled_prompt_embeds=(2048,)
        ),
        "pixart-sigma": _diffusion(
            _PIXART, _KL, "PixArtSigmaPipeline", prompt_embeds=(300, 4096), prompt_attention_mask=(300,)
        ),
        "flux.2-klein": _pipeline(
            _KLEIN, {"_class_name": "AutoencoderKLFlux2"}, "Flux2KleinPipeline", prompt_embeds=(512, 7680)
        ),
        "z-image-turbo": _pipeline(_Z_IMAGE, _KL16, "ZImagePipeline", prompt_embeds=[(512, 2560)]),
        "krea-2-turbo": _pipeline(
            _KREA2,
            {"_class_name": "AutoencoderKLQwenImage"},
            "Krea2Pipeline",
            prompt_embeds=(512, 12, 2560),
            prompt_embeds_mask=(512,),
        ),
        "qwen-image": _pipeline(
            _QWEN,
            {"_class_name": "AutoencoderKLQwenImage"},
            "QwenImagePipeline",
            prompt_embeds=(512, 3584),
            prompt_embeds_mask=(512,),
        ),
        "qwen-image-2.1": _QWEN21_PIPELINE,
        "qwen-image-2.1-turbo": _QWEN21_PIPELINE,
        "wan-2.2": _pipeline(_WAN, _WAN_VAE, "WanPipeline", prompt_embeds=(512, 4096)),
    }
)
"""By the registry's names: "denoiser", "vae" for latent models, and "pipeline" for pipelines with prompts."""
