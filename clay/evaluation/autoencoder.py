"""Evaluation of the diffusion autoencoder: reconstructions, samples and speed."""

import os
import time

import torch
from torch import Tensor

from clay.evaluation.similarity import features, frechet_distance, perceptual_distance, psnr, ssim
from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.identity import IdentityEmbedder
from clay.networks.images import fit_input, to_unit
from clay.networks.sampling import ddim, few_times, times
from clay.world import ClayWorld

_BATCH = 50
_STEPS, _FEW = 20, 4


def errors(world: ClayWorld, result: Tensor, image: Tensor) -> dict[str, float]:
    """PSNR, SSIM and perceptual distance between `result` and `image`, both (n, 3, side, side) in [-1, 1]."""
    return {
        "psnr_db": psnr(result, image),
        "ssim": ssim(result, image),
        "perceptual": perceptual_distance(world.attributes, result, image),
    }


def accepted(network: IdentityEmbedder, first: Tensor, second: Tensor) -> float:
    """Share of pairs of images that the embedder accepts as one person at FMR 0.1 %."""
    similarity = (network(first) * network(second)).sum(1)
    return float((similarity > network.thresholds["fmr_0.1_percent"]).float().mean())


@torch.no_grad()
def measure_autoencoder(
    world: ClayWorld, images: Tensor, model: DiffusionAutoencoder | None = None
) -> dict[str, object]:
    """Errors of reconstructions from (z, x_T), of samples from z with a random x_T, and of m(z).

    Args:
        world: the networks that measure.
        images: (n, 3, side, side) uint8.
        model: the autoencoder, that of `world` if None; images are resized to its size, and its results back.
    """
    image, model, grid = to_unit(images), model or world.autoencoder, times(_STEPS)
    own, side = fit_input(image, model.sample_shape[-1]), image.shape[-1]
    z = model.encode(own)
    x_T = torch.randn(own.shape, generator=torch.Generator().manual_seed(1))
    fresh = ddim(model, x_T, z, grid)
    found = {
        "from_z_and_x_T": ddim(model, ddim(model, own, z, grid.flip(0)), z, grid),
        "from_z_and_fresh_x_T": fresh,
        "from_z_and_fresh_x_T_in_few_steps": ddim(model, x_T, z, few_times(model, _FEW)),
        "coarse_mean": model.decoder(z).mean,
    }
    return {
        **{name: errors(world, fit_input(result, side), image) for name, result in found.items()},
        "accepted_as_the_person": {
            name: accepted(network, image, fit_input(fresh, side)) for name, network in world.embedders.items()
        },
        "pictures": len(image),
        "sampling_steps": _STEPS,
        "few_sampling_steps": _FEW,
    }


@torch.no_grad()
def measure_samples(world: ClayWorld, images: Tensor, model: DiffusionAutoencoder | None = None) -> dict[str, float]:
    """Frechet distance between images and samples from their z with a random x_T, in 128 features of the classifier.

    Args:
        world: the networks that measure.
        images: (n, 3, side, side) uint8.
        model: the autoencoder, that of `world` if None; images are resized to its size, and its samples back.
    """
    model, generator = model or world.autoencoder, torch.Generator().manual_seed(3)
    x_T = torch.randn(len(images), *model.sample_shape, generator=generator)
    kept: dict[str, list[Tensor]] = {"images": [], "": [], "_in_few_steps": []}
    for part, noise in zip(torch.split(images, _BATCH), torch.split(x_T, _BATCH), strict=True):
        image = to_unit(part)
        z = model.encode(fit_input(image, model.sample_shape[-1]))
        kept["images"].append(features(world.attributes, image))
        for name, grid in (("", times(_STEPS)), ("_in_few_steps", few_times(model, _FEW))):
            sample = fit_input(ddim(model, noise, z, grid), images.shape[-1])
            kept[name].append(features(world.attributes, sample))
    reference = torch.cat(kept.pop("images"))
    distances = {f"frechet_distance{name}": frechet_distance(torch.cat(of), reference) for name, of in kept.items()}
    return {**distances, "samples": len(images)}


@torch.no_grad()
def measure_speed(model: DiffusionAutoencoder, repeats: int = 5) -> dict[str, float]:
    """Seconds for one sample of batch size 1 on all cores, the median of `repeats`."""
    x_T, z, seconds = torch.randn(1, *model.sample_shape), torch.randn(1, 128), []
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    for _ in range(repeats):
        began = time.perf_counter()
        ddim(model, x_T, z, times(_STEPS))
        seconds.append(time.perf_counter() - began)
    torch.set_num_threads(before)
    return {"ddim_20_batch_1_seconds": sorted(seconds)[repeats // 2]}
