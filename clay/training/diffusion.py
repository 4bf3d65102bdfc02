"""Train the diffusion autoencoder: `python -m clay.training.diffusion`.

The loss has four terms. The coarse image m(z) is trained by squared error. The spread s(z) is trained by the
likelihood of image - m(z), each pixel weighted by s (Seitzer et al. 2022, arXiv 2203.09168, beta = 1/2):

    s (log s + (x0 - m)^2 / (2 s^2)),   no gradient through the leading s.

The UNet is trained on the residual with the scaling of Karras et al. (2022, arXiv 2206.00364, table 1), so that its
target has unit variance at every noise level and every pixel:

    target = (x0 - m - (s^2 / v) r) sqrt(v) / (s sigma),   r = x0 + sigma noise - m,   v = sigma^2 + s^2

weighted by s / mean(s), so that faces have more weight than backgrounds. Noise levels are log-normal as in that paper,
with mean ln 0.25; a fifth of them are uniform in training time, so that every time occurs in training. The last term is
a linear readout of the scene's parameters from z (`clay.networks.readout`): it keeps details such as the expression in
the code, and makes them linear directions of it.

For sampling in few steps: `--grids` gives a share of the UNet's images the times of the grids of 2, 4 and 8 steps, and
`--perceptual` adds the distance of LPIPS (Zhang et al. 2018, arXiv 1801.03924, eq. 1, all weights one) between x0_hat
and x0, in the first feature maps of CLIP's image tower. The squared error alone makes x0_hat a mean over all details
that the noise hides, and a sampler of few steps ends on that mean. `--unet-only` leaves encoder and decoder as they
are, and so all codes.
"""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DPMSolverMultistepScheduler
from torch import Tensor

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.clip import load_clip, normalized
from clay.networks.encoder_decoder import Decoded
from clay.networks.images import to_unit
from clay.networks.readout import Readout
from clay.networks.scheduler import sampling_times
from clay.people.dataset import TRAIN
from clay.people.vectors import PERSON_SIZE, VIEW_SIZE, scene_vectors
from clay.training.augment import flip_randomly
from clay.training.command import arguments, parse, run, training_images
from clay.training.loop import Plan
from clay.world import DEFAULT_FOLDER as WORLD

_LOG_MEAN, _LOG_SPREAD = -1.386, 1.2  # of sigma / alpha
_UNIFORM_SHARE = 0.2
_CODE_NOISE = 0.1
_GRIDS = (2, 4, 8)  # numbers of sampling steps


@functools.lru_cache(maxsize=1)
def grid_times(scheduler: DPMSolverMultistepScheduler) -> Tensor:
    """The times of a scheduler's grids of few steps, without repetitions, rising; (n,) int64."""
    return torch.from_numpy(np.unique(torch.cat([sampling_times(scheduler, steps) for steps in _GRIDS])))


def sample_times(model: DiffusionAutoencoder, count: int, generator: torch.Generator) -> Tensor:
    """Random fractional training times in 0..999, (count,)."""
    levels = 0.5 * torch.log((1 - model.alphas_cumprod) / model.alphas_cumprod)
    device = generator.device
    log_sigma = _LOG_MEAN + _LOG_SPREAD * torch.randn(count, generator=generator, device=device)
    log_sigma = log_sigma.clamp(levels[0] + 1e-4, levels[-1] - 1e-4)
    above = torch.searchsorted(levels, log_sigma)
    fraction = (log_sigma - levels[above - 1]) / (levels[above] - levels[above - 1])
    times = above - 1 + fraction
    uniform = torch.rand(count, generator=generator, device=device) * (len(levels) - 1)
    return torch.where(torch.rand(count, generator=generator, device=device) < _UNIFORM_SHARE, uniform, times)


def denoising_loss(
    model: DiffusionAutoencoder, image: Tensor, decoded: Decoded, t: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Weighted squared error of F, a scalar, and x0_hat, of the images' shape. m(z) and s(z) get no gradient from them.

    Args:
        model: the autoencoder.
        image: x0, (b, 3, side, side) in [-1, 1].
        decoded: the decoder's output for z, b of it.
        t: fractional training times, (b,).
        generator: source of noise.
    """
    decoded = decoded._replace(mean=decoded.mean.detach(), spread=decoded.spread.detach())
    a_t, s = model.alpha_bar(t), decoded.spread
    sigma_t = ((1 - a_t) / a_t).sqrt()
    scale = (sigma_t**2 + s**2).sqrt()
    missing = image - decoded.mean
    r = missing + sigma_t * torch.randn(image.shape, generator=generator, device=image.device)
    target = (missing - (s / scale) ** 2 * r) * scale / (s * sigma_t)
    error = model.predict_residual(t, r / scale, decoded) - target
    return (s / s.mean() * error.square()).mean(), image + (s * sigma_t / scale) * error


def perceptual_loss(tower: Any, image: Tensor, reference: Tensor) -> Tensor:
    """Mean over images and places of sum over levels of |f_l / |f_l| - g_l / |g_l||^2, norms along the channels.

    Args:
        tower: CLIP's image tower, a modified ResNet; f and g are its feature maps at 1/2, 1/4 and 1/8 of its input.
        image: (b, 3, side, side), with gradient.
        reference: likewise, without.
    """

    def maps(x: Tensor) -> list[Tensor]:
        for n in "123":
            x = getattr(tower, f"act{n}")(getattr(tower, f"bn{n}")(getattr(tower, f"conv{n}")(x)))
        first = tower.layer1(tower.avgpool(x))
        return [F.normalize(level, dim=1) for level in (x, first, tower.layer2(first))]

    with torch.no_grad():
        wanted = maps(normalized(reference))
    levels = zip(maps(normalized(image)), wanted, strict=True)
    return torch.stack([(f - g).square().sum(1).mean() for f, g in levels]).sum()


def spread_loss(image: Tensor, decoded: Decoded) -> Tensor:
    """Weighted negative log-likelihood of image - m(z) under N(0, s(z)^2); a scalar. m(z) gets no gradient from it."""
    squared = (image - decoded.mean.detach()).square().mean(1, keepdim=True)
    s = decoded.spread
    return (s.detach() * (s.log() + squared / (2 * s.square()))).mean()


class DiffusionLoss:
    """The loss on a random batch.

    Args:
        images: (n, 3, size, size) uint8.
        vectors: of their scenes, (n, PERSON_SIZE + VIEW_SIZE).
        batch: images per step for the encoder and the decoder.
        noisy: how many of them the UNet gets; a UNet call costs several times as much.
        grids: share of these at the times of `grid_times`.
        tower: CLIP's image tower, for the perceptual loss; None for none.
        perceptual: weight of the perceptual loss.
        unet_only: leave out the terms of encoder and decoder.

    Raises:
        ValueError: `noisy` is not between 1 and `batch`.
    """

    def __init__(
        self,
        images: Tensor,
        vectors: Tensor,
        batch: int,
        noisy: int,
        *,
        grids: float = 0.0,
        tower: Any = None,
        perceptual: float = 0.0,
        unet_only: bool = False,
    ) -> None:
        if not 1 <= noisy <= batch:
            raise ValueError(f"noisy must lie between 1 and batch = {batch}, but is {noisy}.")
        self.images, self.vectors, self.batch, self.noisy = images, vectors, batch, noisy
        self.grids, self.tower, self.perceptual, self.unet_only = grids, tower, perceptual, unet_only

    def __call__(
        self, network: Readout[DiffusionAutoencoder], step: int, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """The loss of one step and its terms; see `LossFunction`."""
        model = network.network
        chosen = torch.randint(len(self.images), (self.batch,), generator=generator, device=generator.device)
        image = flip_randomly(to_unit(self.images[chosen]), generator)
        image = image.contiguous(memory_format=torch.channels_last)
        terms = {}
        with torch.set_grad_enabled(not self.unet_only and torch.is_grad_enabled()):
            z = model.encode(image)
            # Noise on z keeps the decoder smooth: similar codes give similar faces.
            decoded = model.decoder(z + _CODE_NOISE * torch.randn(z.shape, generator=generator, device=z.device))
        few = Decoded(*(part[: self.noisy] for part in decoded))
        terms["fine"], denoised = denoising_loss(
            model, image[: self.noisy], few, self._times(model, generator), generator
        )
        loss = terms["fine"]
        if not self.unet_only:
            terms["coarse"], terms["spread"] = F.mse_loss(decoded.mean, image), spread_loss(image, decoded)
            terms["readout"] = network.loss(z, self.vectors[chosen])
            # The weights give the terms' gradients at the encoder about the same size.
            loss = loss + 10.0 * terms["coarse"] + terms["spread"] + terms["readout"]
        if self.tower is not None:
            terms["perceptual"] = perceptual_loss(self.tower, denoised, image[: self.noisy])
            loss = loss + self.perceptual * terms["perceptual"]
        return {"loss": loss, **terms}

    def _times(self, model: DiffusionAutoencoder, generator: torch.Generator) -> Tensor:
        """Fractional training times of the UNet's images, (noisy,)."""
        t, device = sample_times(model, self.noisy, generator), generator.device
        grid = grid_times(model.scheduler).to(device)
        of_grid = grid[torch.randint(len(grid), (self.noisy,), generator=generator, device=device)]
        return torch.where(torch.rand(self.noisy, generator=generator, device=device) < self.grids, of_grid, t)


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the diffusion autoencoder.", steps=12_000, rate=6e-4, out="diffusion")
    parser.add_argument("--batch", type=int, default=32, help="images per step for the coarse decoder")
    parser.add_argument("--noisy", type=int, default=16, help="images per step for the UNet")
    parser.add_argument("--start", type=Path, help="folder of weights to start from; random weights if left out")
    parser.add_argument("--size", type=int, choices=(64, 128), default=64, help="side of the images in pixels")
    parser.add_argument("--grids", type=float, default=0.0, help="share of the UNet's images at the times of few steps")
    parser.add_argument("--perceptual", type=float, default=0.0, help="weight of the perceptual loss; 0 for none")
    parser.add_argument("--unet-only", action="store_true", help="leave encoder and decoder as they are")
    parser.add_argument("--clip", type=Path, default=WORLD / "clip", help="folder of the CLIP of the perceptual loss")
    options = parse(parser)
    create = DiffusionAutoencoder.create_128 if options.size == 128 else DiffusionAutoencoder.create
    model = DiffusionAutoencoder.from_folder(options.start) if options.start else create()
    model = model.requires_grad_(True).to(options.device).to(memory_format=torch.channels_last)
    if options.unet_only:
        model.encoder.requires_grad_(False)
        model.decoder.requires_grad_(False)
    network = Readout(model, int(model.encoder.config["code"]), PERSON_SIZE + VIEW_SIZE).to(options.device)
    vectors = scene_vectors(TRAIN.first_people(options.people).scenes()).to(options.device)
    tower: Any = load_clip(options.clip, options.device, torch.float32)[0] if options.perceptual else None
    losses = DiffusionLoss(
        training_images(options),
        vectors,
        options.batch,
        options.noisy,
        grids=options.grids,
        tower=tower and tower.visual,
        perceptual=options.perceptual,
        unet_only=options.unet_only,
    )
    plan = Plan(options.steps, options.rate, seed=options.seed)
    run(network, losses, plan, options.runs / "diffusion.pt", lambda average: average.network.save_folder(options.out))


if __name__ == "__main__":
    main()
