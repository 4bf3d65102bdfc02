"""The published configurations of the registry's models, to estimate their memory before they are downloaded.

Fields at diffusers' defaults are left out.
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
_DIFFAE = {"_class_name": "DiffusionAutoencoder", "image_size": 256, "code": 512}

CONFIGS: Mapping[str, Configs] = MappingProxyType(
    {
        "ddpm-celebahq": {"denoiser": _DDPM},
        "ddpm-church": {"denoiser": _DDPM},
        "ddpm-cat": {"denoiser": _DDPM},
        "ldm-celebahq": {"denoiser": _LDM, "vae": _VQ},
        "diffae-ffhq": {"denoiser": _DIFFAE},
        "dit-imagenet": {"denoiser": _DIT, "vae": _KL},
        "sd-1.5": {"denoiser": _SD, "vae": _KL},
        "sd-turbo": {"denoiser": _SD2, "vae": _KL},
        "sd-2.1": {"denoiser": {**_SD2, "sample_size": 96}, "vae": _KL},
        "sana-600m": {"denoiser": _SANA, "vae": _DC},
    }
)
"""By the registry's names: "denoiser", and "vae" for latent models."""
