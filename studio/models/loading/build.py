"""Builds the parts of a model from its files: denoiser, autoencoder, scheduler. Only safetensors, no remote code."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import diffusers
import torch
from torch import Tensor

from studio.core.errors import UserError
from studio.models.catalogue.completeness import check_finite
from studio.models.catalogue.detect import denoiser_folder, read_json, vae_scale_factor
from studio.models.catalogue.hub import variant_of
from studio.models.catalogue.registry import Entry, Kind
from studio.models.networks.adapters.labelled import Labelled
from studio.models.networks.adapters.unconditional import Unconditional
from studio.models.networks.diffae.network import DiffusionAutoencoder
from studio.models.networks.latents import Autoencoder, enable_gradient_checkpointing
from studio.models.placement.placement import Placement

_NETWORKS: dict[Kind, Any] = {
    "unconditional": diffusers.UNet2DModel,
    "latent": diffusers.UNet2DModel,
    "diffae": DiffusionAutoencoder,
}
_SCHEDULE = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "prediction_type",
    "rescale_betas_zero_snr",
)
_ADAPTERS: dict[Kind, Callable[[Any], torch.nn.Module]] = {
    "unconditional": Unconditional,
    "latent": Unconditional,
    "labelled": Labelled,
    "diffae": lambda network: network,
}


def denoiser(entry: Entry, folder: Path, placement: Placement) -> torch.nn.Module:
    """The denoiser in its adapter: frozen, in eval mode, on its device, in its precision.

    Raises:
        UserError: its weights are missing, damaged, or not safetensors.
    """
    network = from_folder(_network_class(entry, folder), denoiser_folder(folder))
    adapted = _ADAPTERS[entry.kind](network)
    adapted = adapted.eval().requires_grad_(False).to(placement.device)
    if placement.half:
        adapted = adapted.to(placement.dtype)
    adapted = adapted.to(memory_format=torch.channels_last)  # faster convolutions, on CPUs too
    if placement.checkpointing:
        network.enable_gradient_checkpointing()
    if placement.sliced and hasattr(network, "set_attention_slice"):
        network.set_attention_slice("auto")
    return adapted


def autoencoder(entry: Entry, folder: Path, placement: Placement) -> Autoencoder | None:
    """The autoencoder of a latent model, in float32; None for a pixel model.

    Args:
        entry: of the registry, or detected.
        folder: the model's files.
        placement: device and memory savings.

    Raises:
        UserError: as for the denoiser.
    """
    name = next((name for name in ("vae", "vqvae") if (folder / name).is_dir()), None)
    if name is None:
        return None
    classes = {"vqvae": "VQModel", "vae": read_json(folder / name / "config.json").get("_class_name", "AutoencoderKL")}
    vae = from_folder(_autoencoder_class(classes[name]), folder / name)
    vae = vae.eval().requires_grad_(False).to(placement.device)
    if placement.checkpointing:
        enable_gradient_checkpointing(vae)
    scale = entry.latent_scale or float(vae.config.get("scaling_factor") or 1.0)
    factor = vae_scale_factor(folder)
    tile = max(8, entry.size // factor // 2) if placement.sliced else None
    return Autoencoder(vae, scale, factor, tile)


def tiny_preview(folder: Path, device: torch.device) -> Callable[[Tensor], Tensor] | None:
    """latent -> approximately the image, in milliseconds, by an AutoencoderTiny; None for another folder."""
    if not (folder / "config.json").is_file():
        return None
    tiny = from_folder(diffusers.AutoencoderTiny, folder).eval().requires_grad_(False).to(device)
    return lambda latent: tiny.decode(latent.to(tiny.dtype)).sample.to(latent.dtype)


def scheduler_of(folder: Path) -> Callable[[], Any]:
    """A factory of schedulers with the folder's noise schedule, whose steps run from pure noise to the image.

    The sampler is this project's, so only the schedule and the prediction type are read. The timestep spacing is fixed:
    the configurations on the hub start at t = 981 or 901 of 1000 for few steps.
    """
    config = next((read_json(p) for p in _scheduler_files(folder) if p.is_file()), {})
    scheduler = full_schedule(config)
    return lambda: deepcopy(scheduler)


def full_schedule(config: Mapping[str, Any]) -> Any:
    """A DDIMScheduler with a configuration's noise schedule, whose steps run from pure noise to the image."""
    schedule = {name: config[name] for name in _SCHEDULE if config.get(name) is not None}
    make: Any = diffusers.DDIMScheduler
    return make(**schedule, clip_sample=False, thresholding=False, set_alpha_to_one=True, timestep_spacing="trailing")


def from_folder(kind: Any, folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """Load a network of diffusers from a local folder.

    Raises:
        UserError: its weights are missing, damaged, or not safetensors.
    """
    variant = variant_of(folder)
    message = f"The weights in “{folder.name}” do not fit their config.json: get the folder again."
    try:
        network, report = kind.from_pretrained(
            folder,
            use_safetensors=True,
            variant=variant,
            local_files_only=True,
            low_cpu_mem_usage=importlib.util.find_spec("accelerate") is not None,
            torch_dtype=dtype,
            output_loading_info=True,
        )
    except Exception as error:  # parsers of several libraries, each with its own exceptions
        raise UserError(message) from error
    if report["missing_keys"]:  # diffusers would initialise these at random
        raise UserError(message)
    check_finite(network, message)
    return network


def _network_class(entry: Entry, folder: Path) -> Any:
    if entry.kind != "labelled":
        return _NETWORKS[entry.kind]
    is_unet = read_json(denoiser_folder(folder) / "config.json").get("_class_name") == "UNet2DModel"
    return diffusers.UNet2DModel if is_unet else diffusers.DiTTransformer2DModel


def _autoencoder_class(name: str) -> Any:
    if name not in ("AutoencoderKL", "VQModel"):
        raise UserError(f"This folder's autoencoder is a {name}, which the studio does not support.")
    return getattr(diffusers, name)


def _scheduler_files(folder: Path) -> tuple[Path, Path]:
    return folder / "scheduler" / "scheduler_config.json", folder / "scheduler_config.json"
