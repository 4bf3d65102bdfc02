"""Tiny pipelines of diffusers with random weights, built in code: each is a pipeline and the arguments of its call."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from studio.models.placement.untrained import Processor

diffusers: Any = importlib.import_module("diffusers")  # whose constructors have no types


class Tiny(NamedTuple):
    """A pipeline, its call (without num_inference_steps), and the embeddings that are differentiated."""

    pipe: Any
    call: dict[str, Any]
    wrt: tuple[str, ...] = ("prompt_embeds",)


NO_CHECKER = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def _normal(*shape: int) -> Tensor:
    return torch.randn(shape)


def _vae(channels: int = 4, widths: tuple[int, ...] = (32, 64)) -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=widths,
        down_block_types=["DownEncoderBlock2D"] * len(widths),
        up_block_types=["UpDecoderBlock2D"] * len(widths),
        latent_channels=channels,
        sample_size=64,
        scaling_factor=0.5,
        shift_factor=0.1,
    )


def _unet(**changes: Any) -> Any:
    given = {
        "block_out_channels": (32, 64),
        "layers_per_block": 1,
        "sample_size": 16,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 32,
        "attention_head_dim": 8,
    }
    return diffusers.UNet2DConditionModel(**{**given, **changes})


def _unet_xl() -> Any:
    return _unet(
        cross_attention_dim=64,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2),
        projection_class_embeddings_input_dim=80,
    )


def _flow(**changes: Any) -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler(**changes)


def no_text(count: int = 1) -> dict[str, None]:
    numbers = ["", *(f"_{i}" for i in range(2, count + 1))]
    return dict.fromkeys(f"{name}{number}" for number in numbers for name in ("text_encoder", "tokenizer"))


def _embeds(width: int, length: int = 7, negative: bool = True) -> dict[str, Tensor]:
    found = {"prompt_embeds": _normal(1, length, width)}
    return found | ({"negative_prompt_embeds": _normal(1, length, width)} if negative else {})


def _masks(
    length: int = 7, kind: torch.dtype = torch.float32, name: str = "prompt_attention_mask"
) -> dict[str, Tensor]:
    mask = torch.ones(1, length).to(kind)
    return {name: mask, f"negative_{name}": mask.clone()}


def stable_diffusion(scheduler: Any = None) -> Tiny:
    pipe = diffusers.StableDiffusionPipeline(
        vae=_vae(),
        unet=_unet(),
        scheduler=scheduler or diffusers.DDIMScheduler(clip_sample=False),
        **NO_CHECKER,
        **no_text(),
    )
    return Tiny(pipe, {**_embeds(32), "guidance_scale": 5.0, "height": 32, "width": 32})


def stable_diffusion_dpm() -> Tiny:
    return stable_diffusion(diffusers.DPMSolverMultistepScheduler())


def stable_diffusion_ancestral() -> Tiny:
    return stable_diffusion(diffusers.EulerAncestralDiscreteScheduler())


def stable_diffusion_tcd() -> Tiny:
    return stable_diffusion(diffusers.TCDScheduler())


def latent_consistency() -> Tiny:
    pipe = diffusers.LatentConsistencyModelPipeline(
        vae=_vae(),
        unet=_unet(time_cond_proj_dim=32),
        scheduler=diffusers.LCMScheduler(),
        **NO_CHECKER,
        **no_text(),
    )
    return Tiny(pipe, {**_embeds(32, negative=False), "guidance_scale": 5.0, "height": 32, "width": 32})


def _pooled(width: int) -> dict[str, Tensor]:
    return {"pooled_prompt_embeds": _normal(1, width), "negative_pooled_prompt_embeds": _normal(1, width)}


def stable_diffusion_xl() -> Tiny:
    pipe = diffusers.StableDiffusionXLPipeline(
        vae=_vae(), unet=_unet_xl(), scheduler=diffusers.EulerDiscreteScheduler(), **no_text(2)
    )
    call = {**_embeds(64), **_pooled(32), "guidance_scale": 5.0, "guidance_rescale": 0.5, "height": 32, "width": 32}
    return Tiny(pipe, call, ("prompt_embeds", "pooled_prompt_embeds"))


def stable_diffusion_3() -> Tiny:
    transformer = diffusers.SD3Transformer2DModel(
        sample_size=16,
        patch_size=1,
        in_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=32,
        pooled_projection_dim=64,
        out_channels=4,
    )
    pipe = diffusers.StableDiffusion3Pipeline(transformer=transformer, scheduler=_flow(), vae=_vae(), **no_text(3))
    call = {**_embeds(32), **_pooled(64), "guidance_scale": 5.0, "height": 32, "width": 32}
    return Tiny(pipe, call, ("prompt_embeds", "pooled_prompt_embeds"))


def flux() -> Tiny:
    transformer = diffusers.FluxTransformer2DModel(
        patch_size=1,
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=[4, 4, 8],
    )
    pipe = diffusers.FluxPipeline(
        scheduler=_flow(use_dynamic_shifting=True), vae=_vae(1), transformer=transformer, **no_text(2)
    )
    call = {**_embeds(32, negative=False), "pooled_prompt_embeds": _normal(1, 32), "height": 32, "width": 32}
    return Tiny(pipe, call, ("prompt_embeds", "pooled_prompt_embeds"))


def _flux2_transformer() -> Any:
    return diffusers.Flux2Transformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        timestep_guidance_channels=256,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )


def _flux2_vae() -> Any:
    return diffusers.AutoencoderKLFlux2(
        block_out_channels=(32, 64),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        sample_size=64,
    )


def flux2_klein() -> Tiny:
    pipe = diffusers.Flux2KleinPipeline(
        scheduler=_flow(use_dynamic_shifting=True), vae=_flux2_vae(), transformer=_flux2_transformer(), **no_text()
    )
    return Tiny(pipe, {**_embeds(32), "height": 64, "width": 64, "guidance_scale": 4.0})


def _z_image_transformer() -> Any:
    return diffusers.ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=16,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        norm_eps=1e-5,
        qk_norm=True,
        cap_feat_dim=16,
        rope_theta=256.0,
        t_scale=1000.0,
        axes_dims=[8, 4, 4],
        axes_lens=[256, 32, 32],
    )


def _embeds_list(width: int, length: int = 7) -> dict[str, list[Tensor]]:
    return {"prompt_embeds": [_normal(length, width)], "negative_prompt_embeds": [_normal(length, width)]}


def z_image() -> Tiny:
    pipe = diffusers.ZImagePipeline(scheduler=_flow(), vae=_vae(16), transformer=_z_image_transformer(), **no_text())
    return Tiny(pipe, {**_embeds_list(16), "guidance_scale": 3.0, "height": 32, "width": 32})


def _qwen_transformer() -> Any:
    return diffusers.QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=16,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=3,
        joint_attention_dim=16,
        guidance_embeds=False,
        axes_dims_rope=(8, 4, 4),
    )


def _qwen_vae() -> Any:
    return diffusers.AutoencoderKLQwenImage(
        base_dim=16,
        z_dim=4,
        dim_mult=[1, 2],
        num_res_blocks=1,
        temperal_downsample=[False],
        latents_mean=[0.1, 0.2, 0.3, 0.4],
        latents_std=[1.0, 0.5, 2.0, 1.5],
    )


def qwen_image() -> Tiny:
    pipe = diffusers.QwenImagePipeline(scheduler=_flow(), vae=_qwen_vae(), transformer=_qwen_transformer(), **no_text())
    masks = _masks(kind=torch.long, name="prompt_embeds_mask")
    return Tiny(pipe, {**_embeds(16), **masks, "true_cfg_scale": 3.0, "height": 32, "width": 32})


def _krea2_transformer() -> Any:
    return diffusers.Krea2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=32,
        timestep_embed_dim=16,
        text_hidden_dim=16,
        num_text_layers=2,
        text_num_attention_heads=1,
        text_num_key_value_heads=1,
        text_intermediate_size=16,
        num_layerwise_text_blocks=1,
        num_refiner_text_blocks=1,
        axes_dims_rope=(4, 6, 6),
    )


def krea_2_turbo() -> Tiny:
    pipe = diffusers.Krea2Pipeline(
        scheduler=_flow(), vae=_qwen_vae(), transformer=_krea2_transformer(), is_distilled=True, **no_text()
    )
    call = {"prompt_embeds": _normal(1, 7, 2, 16), "prompt_embeds_mask": torch.ones(1, 7).bool()}
    return Tiny(pipe, {**call, "guidance_scale": 0.0, "height": 32, "width": 32})


def _qwen21_transformer() -> Any:
    return diffusers.QwenImage21Transformer2DModel(
        in_channels=16,
        out_channels=16,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        context_in_dim=16,
        axes_dims_rope=(4, 6, 6),
    )


def qwen_image_21(**options: Any) -> Tiny:
    vae = diffusers.AutoencoderKLQwenImage21(
        base_dim=8,
        decoder_base_dim=8,
        z_dim=16,
        dim_mult=[1, 1, 1, 1, 1],
        num_res_blocks=1,
        latents_mean=[0.1] * 16,
        latents_std=[0.5] * 16,
    )
    parts = {"vae": vae, "text_encoder": None, "processor": Processor(), "transformer": _qwen21_transformer()}
    pipe = diffusers.QwenImage21Pipeline(scheduler=_flow(), **parts, **options)
    return Tiny(pipe, {**_embeds(16, negative=False), "height": 64, "width": 64})


def _dc_vae() -> Any:
    return diffusers.AutoencoderDC(
        in_channels=3,
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        encoder_qkv_multiscales=((), (5,)),
        decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1),
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        decoder_norm_types="rms_norm",
        decoder_act_fns="silu",
        scaling_factor=0.4,
    )


def _sana_transformer(**changes: Any) -> Any:
    return diffusers.SanaTransformer2DModel(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=4,
        num_cross_attention_heads=2,
        cross_attention_head_dim=4,
        cross_attention_dim=8,
        caption_channels=8,
        sample_size=32,
        **changes,
    )


def sana() -> Tiny:
    pipe = diffusers.SanaPipeline(transformer=_sana_transformer(), vae=_dc_vae(), scheduler=_flow(), **no_text())
    call = {**_embeds(8), **_masks(), "guidance_scale": 4.5, "height": 32, "width": 32, "use_resolution_binning": False}
    return Tiny(pipe, {**call, "negative_prompt": None})


def sana_sprint() -> Tiny:
    pipe = diffusers.SanaSprintPipeline(
        transformer=_sana_transformer(guidance_embeds=True, qk_norm="rms_norm_across_heads"),
        vae=_dc_vae(),
        scheduler=diffusers.SCMScheduler(),
        **no_text(),
    )
    call = {**_embeds(8, negative=False), "prompt_attention_mask": torch.ones(1, 7), "height": 32, "width": 32}
    return Tiny(pipe, {**call, "use_resolution_binning": False, "intermediate_timesteps": None})


def lumina_2() -> Tiny:
    transformer = diffusers.Lumina2Transformer2DModel(
        sample_size=4,
        patch_size=2,
        in_channels=4,
        hidden_size=24,
        num_layers=2,
        num_refiner_layers=1,
        num_attention_heads=3,
        num_kv_heads=1,
        multiple_of=16,
        ffn_dim_multiplier=None,
        norm_eps=1e-5,
        scaling_factor=1.0,
        axes_dim_rope=[4, 2, 2],
        axes_lens=[128, 128, 128],
        cap_feat_dim=8,
    )
    pipe = diffusers.Lumina2Pipeline(transformer=transformer, vae=_vae(), scheduler=_flow(), **no_text())
    return Tiny(pipe, {**_embeds(8), **_masks(kind=torch.bool), "guidance_scale": 4.0, "height": 32, "width": 32})


def pixart_sigma() -> Tiny:
    transformer = diffusers.PixArtTransformer2DModel(
        sample_size=8,
        num_layers=2,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=3,
        caption_channels=32,
        in_channels=4,
        cross_attention_dim=24,
        out_channels=8,
        attention_bias=True,
        activation_fn="gelu-approximate",
        num_embeds_ada_norm=1000,
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        norm_eps=1e-6,
    )
    scheduler = diffusers.DPMSolverMultistepScheduler()
    pipe = diffusers.PixArtSigmaPipeline(transformer=transformer, vae=_vae(), scheduler=scheduler, **no_text())
    call = {
        **_embeds(32),
        **_masks(),
        "guidance_scale": 4.5,
        "height": 32,
        "width": 32,
        "use_resolution_binning": False,
    }
    return Tiny(pipe, {**call, "negative_prompt": None})


def chroma() -> Tiny:
    transformer = diffusers.ChromaTransformer2DModel(
        patch_size=1,
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(4, 4, 8),
        approximator_hidden_dim=32,
        approximator_layers=1,
        approximator_num_channels=16,
    )
    pipe = diffusers.ChromaPipeline(scheduler=_flow(), vae=_vae(1), transformer=transformer, **no_text())
    return Tiny(pipe, {**_embeds(32), **_masks(), "height": 32, "width": 32, "guidance_scale": 3.5})


def cogview_4() -> Tiny:
    transformer = diffusers.CogView4Transformer2DModel(
        patch_size=2,
        in_channels=4,
        num_layers=2,
        attention_head_dim=4,
        num_attention_heads=4,
        out_channels=4,
        text_embed_dim=32,
        time_embed_dim=8,
        condition_dim=4,
    )
    scheduler = _flow(
        base_shift=0.25, max_shift=0.75, base_image_seq_len=256, use_dynamic_shifting=True, time_shift_type="linear"
    )
    pipe = diffusers.CogView4Pipeline(scheduler=scheduler, vae=_vae(), transformer=transformer, **no_text())
    return Tiny(pipe, {**_embeds(32, 16), "height": 32, "width": 32, "guidance_scale": 3.5})


def hunyuan_dit() -> Tiny:
    transformer = diffusers.HunyuanDiT2DModel(
        sample_size=16,
        num_layers=2,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=3,
        in_channels=4,
        cross_attention_dim=32,
        cross_attention_dim_t5=32,
        pooled_projection_dim=16,
        hidden_size=24,
        activation_fn="gelu-approximate",
    )
    pipe = diffusers.HunyuanDiTPipeline(
        transformer=transformer,
        vae=_vae(widths=(32,) * 4),
        scheduler=diffusers.DDPMScheduler(clip_sample=False),
        **NO_CHECKER,
        **no_text(2),
    )
    more = {"prompt_embeds_2": _normal(1, 256, 32), "negative_prompt_embeds_2": _normal(1, 256, 32)}
    masks = {**_masks(77), **{f"{name}_2": mask for name, mask in _masks(256).items()}}
    call = {**_embeds(32, 77), **more, **masks, "height": 64, "width": 64, "use_resolution_binning": False}
    return Tiny(pipe, call, ("prompt_embeds", "prompt_embeds_2"))


def controlnet() -> Tiny:
    control = diffusers.ControlNetModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        in_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=8,
        conditioning_embedding_out_channels=(16, 32),
    )
    for module in control.controlnet_down_blocks:
        torch.nn.init.normal_(module.weight)
    pipe = diffusers.StableDiffusionControlNetPipeline(
        vae=_vae(),
        unet=_unet(),
        controlnet=control,
        scheduler=diffusers.UniPCMultistepScheduler(),
        **NO_CHECKER,
        **no_text(),
    )
    call = {**_embeds(32), "guidance_scale": 5.0, "height": 32, "width": 32, "image": torch.rand(1, 3, 32, 32)}
    return Tiny(pipe, {**call, "control_guidance_end": 0.5})


def wan_video() -> Tiny:
    transformer = diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=16,
        out_channels=16,
        text_dim=32,
        freq_dim=256,
        ffn_dim=32,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32,
    )
    vae = diffusers.AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    scheduler = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
    pipe = diffusers.WanPipeline(transformer=transformer, vae=vae, scheduler=scheduler, **no_text())
    return Tiny(pipe, {**_embeds(32, 16), "height": 64, "width": 64, "num_frames": 9, "guidance_scale": 4.0})


STANDARD: dict[str, Callable[[], Tiny]] = {
    "StableDiffusionPipeline, DDIM": stable_diffusion,
    "StableDiffusionPipeline, DPM-Solver++(2M)": stable_diffusion_dpm,
    "StableDiffusionPipeline, Euler ancestral": stable_diffusion_ancestral,
    "StableDiffusionPipeline, TCD": stable_diffusion_tcd,
    "LatentConsistencyModelPipeline": latent_consistency,
    "StableDiffusionControlNetPipeline": controlnet,
    "StableDiffusionXLPipeline": stable_diffusion_xl,
    "StableDiffusion3Pipeline": stable_diffusion_3,
    "FluxPipeline": flux,
    "Flux2KleinPipeline": flux2_klein,
    "ZImagePipeline": z_image,
    "QwenImagePipeline": qwen_image,
    "QwenImage21Pipeline": qwen_image_21,
    "Krea2Pipeline": krea_2_turbo,
    "SanaPipeline": sana,
    "SanaSprintPipeline": sana_sprint,
    "Lumina2Pipeline": lumina_2,
    "PixArtSigmaPipeline": pixart_sigma,
    "ChromaPipeline": chroma,
    "CogView4Pipeline": cogview_4,
    "HunyuanDiTPipeline": hunyuan_dit,
    "WanPipeline": wan_video,
}


def _core(module: str, name: str, **components: Any) -> Any:
    blocks = getattr(importlib.import_module(f"diffusers.modular_pipelines.{module}"), name)()
    pipe = blocks.init_pipeline()
    pipe.update_components(**components)
    return pipe


def _flux3(flow_map: bool) -> Tiny:
    transformer = diffusers.Flux3Transformer2DModel(
        in_channels=16,
        cond_in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        timestep_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        flow_map=flow_map,
    )
    kind = "_distilled" if flow_map else ""
    name = "Flux3DistilledCoreDenoiseStep" if flow_map else "Flux3CoreDenoiseStep"
    pipe = _core(f"flux3.modular_blocks_flux3{kind}", name, transformer=transformer, scheduler=_flow())
    return Tiny(pipe, {**_embeds(32, negative=not flow_map), "height": 64, "width": 64})


def modular_flux3() -> Tiny:
    return _flux3(False)


def modular_flux3_distilled() -> Tiny:
    return _flux3(True)


def modular_z_image() -> Tiny:
    name = "z_image.modular_blocks_z_image"
    pipe = _core(name, "ZImageCoreDenoiseStep", transformer=_z_image_transformer(), scheduler=_flow())
    return Tiny(pipe, {**_embeds_list(16), "height": 64, "width": 64})


def modular_flux2_klein() -> Tiny:
    name = "flux2.modular_blocks_flux2_klein"
    pipe = _core(name, "Flux2KleinCoreDenoiseStep", transformer=_flux2_transformer(), scheduler=_flow())
    return Tiny(pipe, {**_embeds(32, negative=False), "height": 64, "width": 64})


def modular_qwen_image() -> Tiny:
    name = "qwenimage.modular_blocks_qwenimage"
    pipe = _core(name, "QwenImageCoreDenoiseStep", transformer=_qwen_transformer(), scheduler=_flow())
    return Tiny(pipe, {**_embeds(16), **_masks(kind=torch.long, name="prompt_embeds_mask"), "height": 64, "width": 64})


def modular_sdxl() -> Tiny:
    name = "stable_diffusion_xl.modular_blocks_stable_diffusion_xl"
    scheduler = diffusers.EulerDiscreteScheduler()
    pipe = _core(name, "StableDiffusionXLCoreDenoiseStep", unet=_unet_xl(), scheduler=scheduler)
    call = {**_embeds(64), **_pooled(32), "height": 128, "width": 128}
    return Tiny(pipe, call, ("prompt_embeds", "pooled_prompt_embeds"))


def _krea2(turbo: bool) -> Tiny:
    kind, name = ("_turbo", "Krea2TurboCoreDenoiseStep") if turbo else ("", "Krea2CoreDenoiseStep")
    module = f"krea2.modular_blocks_krea2{kind}"
    pipe = _core(module, name, transformer=_krea2_transformer(), scheduler=_flow())
    call = {"prompt_embeds": _normal(1, 7, 2, 16), "prompt_embeds_mask": torch.ones(1, 7).bool()}
    if not turbo:
        call |= {f"negative_{key}": value.clone() for key, value in call.items()}
    return Tiny(pipe, {**call, "height": 64, "width": 64})


def modular_krea2() -> Tiny:
    return _krea2(False)


def modular_krea2_turbo() -> Tiny:
    return _krea2(True)


def _qwen21(turbo: bool) -> Tiny:
    kind, name = ("_turbo", "QwenImage21TurboCoreDenoiseStep") if turbo else ("", "QwenImage21CoreDenoiseStep")
    module = f"qwenimage21.modular_blocks_qwenimage21{kind}"
    pipe = _core(module, name, transformer=_qwen21_transformer(), scheduler=_flow())
    call = _embeds(16, negative=False)
    call |= {"prompt_embeds_mask": torch.ones(1, 7).long(), "image_pad_mask": torch.zeros(1, 7).bool()}
    if not turbo:
        call |= {f"negative_{key}": value.clone() for key, value in call.items()}
    return Tiny(pipe, {**call, "height": 64, "width": 64})


def modular_qwen_image_21() -> Tiny:
    return _qwen21(False)


def modular_qwen_image_21_turbo() -> Tiny:
    return _qwen21(True)


def modular_flux2_klein_whole() -> Tiny:
    """The core denoising step and the decoder, in one pipeline."""
    name = "diffusers.modular_pipelines"
    core = importlib.import_module(f"{name}.flux2.modular_blocks_flux2_klein").Flux2KleinCoreDenoiseStep()
    decode = importlib.import_module(f"{name}.flux2.decoders").Flux2DecodeStep()
    sequential = importlib.import_module(f"{name}.modular_pipeline").SequentialPipelineBlocks
    pipe = sequential.from_blocks_dict({"denoise": core, "decode": decode}).init_pipeline()
    pipe.update_components(transformer=_flux2_transformer(), scheduler=_flow(), vae=_flux2_vae())
    return Tiny(pipe, {**_embeds(32, negative=False), "height": 64, "width": 64})


MODULAR: dict[str, Callable[[], Tiny]] = {
    "FLUX.3": modular_flux3,
    "FLUX.3 distilled (flow map)": modular_flux3_distilled,
    "FLUX.2-klein": modular_flux2_klein,
    "FLUX.2-klein with decoder": modular_flux2_klein_whole,
    "Krea 2": modular_krea2,
    "Krea 2 Turbo": modular_krea2_turbo,
    "Qwen-Image 2.1": modular_qwen_image_21,
    "Qwen-Image 2.1 Turbo": modular_qwen_image_21_turbo,
    "Z-Image": modular_z_image,
    "Qwen-Image": modular_qwen_image,
    "Stable Diffusion XL": modular_sdxl,
}


def build(function: Callable[[], Tiny], seed: int = 0) -> Tiny:
    """The pipeline with the weights of a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tiny = function()
        for part in tiny.pipe.components.values():
            if isinstance(part, torch.nn.Module):
                fill_zeros(part.eval().parameters())
    if hasattr(tiny.pipe, "set_progress_bar_config"):
        tiny.pipe.set_progress_bar_config(disable=True)
    return tiny


@torch.no_grad()
def fill_zeros(weights: Iterable[Tensor]) -> None:
    """Random values in the place of tensors of zeros, which would hide whether a gradient passes through them."""
    for p in weights:
        if p.is_floating_point() and not p.any():
            p.normal_(std=0.1)
