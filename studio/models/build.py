"""Files -> the parts of a model: denoiser, autoencoder, scheduler. Safetensors only, no code from anywhere."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import diffusers
import torch

from studio.core.errors import UserError
from studio.models.adapters.flow import FlowTransformer
from studio.models.adapters.labelled import Labelled
from studio.models.adapters.prompted import Prompted
from studio.models.adapters.unconditional import Unconditional
from studio.models.completeness import check_numbers
from studio.models.detect import denoiser_folder, read, vae_factor
from studio.models.diffae.network import DiffusionAutoencoder
from studio.models.hub import variant_of
from studio.models.latents import Latents, save_memory
from studio.models.placement.placement import Placement
from studio.models.registry import Entry, Kind

_NETWORKS: dict[Kind, Any] = {
    "unconditional": diffusers.UNet2DModel,
    "latent": diffusers.UNet2DModel,
    "prompted": diffusers.UNet2DConditionModel,
    "flow": diffusers.SanaTransformer2DModel,
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
    "prompted": Prompted,
    "flow": FlowTransformer,
    "diffae": lambda network: network,
}


def denoiser(entry: Entry, folder: Path, placement: Placement) -> torch.nn.Module:
    """The network in its adapter: frozen, in eval mode, on its device, in its precision.

    Raises:
        UserError: its weights are missing, damaged, or not safetensors.
    """
    network = from_folder(_network_class(entry, folder), denoiser_folder(folder))
    adapted = _ADAPTERS[entry.kind](network)
    adapted = adapted.eval().requires_grad_(False).to(placement.device)
    if placement.half:
        adapted = adapted.to(placement.dtype)
    if placement.device.type == "cuda" and entry.kind != "flow":
        adapted = adapted.to(memory_format=torch.channels_last)
    if placement.again:
        network.enable_gradient_checkpointing()
    if placement.sliced and hasattr(network, "set_attention_slice"):
        network.set_attention_slice("auto")
    if placement.compiled:
        adapted.compile(backend=placement.compiled)
    return adapted


def autoencoder(entry: Entry, folder: Path, placement: Placement, tiny: Path | None = None) -> Latents | None:
    """The autoencoder of a latent model, in float32; None for a pixel model.

    Args:
        entry: what the model is.
        folder: its files.
        placement: how it is held.
        tiny: folder of an AutoencoderTiny for quick looks; the model's own `vae_tiny` if it has one.

    Raises:
        UserError: as for the denoiser.
    """
    name = next((name for name in ("vae", "vqvae") if (folder / name).is_dir()), None)
    if name is None:
        return None
    kinds = {"vqvae": "VQModel", "vae": read(folder / name / "config.json").get("_class_name", "AutoencoderKL")}
    vae = from_folder(_class(kinds[name]), folder / name)
    vae = vae.eval().requires_grad_(False).to(placement.device)
    if placement.again:
        save_memory(vae)
    scale = entry.latent_scale or float(vae.config.get("scaling_factor") or 1.0)
    quick = tiny or folder / "vae_tiny"
    small = from_folder(diffusers.AutoencoderTiny, quick) if (quick / "config.json").is_file() else None
    if small is not None:
        small = small.eval().requires_grad_(False).to(placement.device)
    factor = vae_factor(folder)
    tile = max(8, entry.size // factor // 2) if placement.sliced else None
    return Latents(vae, scale, factor, tile, small)


def scheduler_of(entry: Entry, folder: Path) -> Callable[[], Any]:
    """Makes schedulers with the folder's noise schedule, whose steps reach from pure noise to the image.

    The solver is ours, so only the schedule and what the network predicts are taken over. Spacings are set by hand:
    those on the hub start at t = 981 or 901 of 1000 at few steps.
    """
    config = next((read(p) for p in _scheduler_files(folder) if p.is_file()), {})
    made: Any
    make: Any
    if entry.kind == "flow":
        shift = config.get("flow_shift") or config.get("shift") or 1.0
        make = diffusers.FlowMatchEulerDiscreteScheduler
        made = make(num_train_timesteps=config.get("num_train_timesteps", 1000), shift=shift)
    else:
        plain = {name: config[name] for name in _SCHEDULE if config.get(name) is not None}
        make = diffusers.DDIMScheduler
        made = make(**plain, clip_sample=False, thresholding=False, set_alpha_to_one=True, timestep_spacing="trailing")
    return lambda: deepcopy(made)


def from_folder(kind: Any, folder: Path) -> Any:
    """A model of diffusers from a local folder.

    Raises:
        UserError: missing, damaged, or only there in a form that could run code.
    """
    variant = variant_of(folder)
    sentence = f"The weights in “{folder.name}” do not fit their config.json: get the folder again."
    try:
        found, report = kind.from_pretrained(
            folder,
            use_safetensors=True,
            variant=variant,
            local_files_only=True,
            low_cpu_mem_usage=importlib.util.find_spec("accelerate") is not None,
            torch_dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # parsers of several libraries, each with errors of its own
        raise UserError(sentence) from error
    if report["missing_keys"]:  # diffusers would go on with random numbers
        raise UserError(sentence)
    check_numbers(found, sentence)
    return found


def _network_class(entry: Entry, folder: Path) -> Any:
    if entry.kind != "labelled":
        return _NETWORKS[entry.kind]
    unet = read(denoiser_folder(folder) / "config.json").get("_class_name") == "UNet2DModel"
    return diffusers.UNet2DModel if unet else diffusers.DiTTransformer2DModel


def _class(name: str) -> Any:
    if name not in ("AutoencoderKL", "VQModel", "AutoencoderDC"):
        raise UserError(f"This folder's autoencoder is a {name}, which the studio does not know.")
    return getattr(diffusers, name)


def _scheduler_files(folder: Path) -> tuple[Path, Path]:
    return folder / "scheduler" / "scheduler_config.json", folder / "scheduler_config.json"
