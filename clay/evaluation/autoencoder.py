"""Evaluation of the diffusion autoencoder: reconstructions, samples and speed."""

import os
import time

import torch
from torch import Tensor

from clay.evaluation.batches import in_batches
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
def measure_samples(
    world: ClayWorld, images: Tensor, codes: Tensor, model: DiffusionAutoencoder | None = None
) -> dict[str, float]:
    """Frechet distance between samples and test images, in 128 features of the attribute classifier.

    Args:
        world: the networks that measure.
        images: test images (n, 3, side, side) uint8; the second half is the reference.
        codes: z of other images (m, 128); the samples' z are drawn from the normal distribution fitted to them.
        model: the autoencoder, that of `world` if None; its samples are resized to the size of the images.
    """
    model, generator, half = model or world.autoencoder, torch.Generator().manual_seed(3), len(images) // 2
    law = torch.distributions.MultivariateNormal(codes.mean(0), torch.cov(codes.T) + 1e-4 * torch.eye(codes.shape[1]))
    white = torch.randn(half, codes.shape[1], generator=generator)
    z = torch.nn.functional.layer_norm(codes.mean(0) + white @ law.scale_tril.mT, codes.shape[1:])
    x_T = torch.randn(half, *model.sample_shape, generator=generator)
    reference = in_batches(lambda image: features(world.attributes, image), images)

    def distance(grid: Tensor) -> float:
        parts = zip(torch.split(x_T, _BATCH), torch.split(z, _BATCH), strict=True)
        samples = (fit_input(ddim(model, *part, grid), images.shape[-1]) for part in parts)
        return frechet_distance(torch.cat([features(world.attributes, part) for part in samples]), reference[half:])

    return {
        "frechet_distance": distance(times(_STEPS)),
        "frechet_distance_in_few_steps": distance(few_times(model, _FEW)),
        "frechet_distance_of_renders": frechet_distance(reference[:half], reference[half:]),
        "samples": half,
    }


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
