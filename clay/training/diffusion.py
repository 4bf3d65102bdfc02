"""Train the diffusion autoencoder: `python -m clay.training.diffusion`.

Four losses. The coarse picture m(z) learns by squared error. Its spread s(z) learns by the likelihood of what
m(z) leaves over, each pixel weighted by s (Seitzer et al. 2022, arXiv 2203.09168, beta = 1/2):

    s (log s + (x0 - m)^2 / (2 s^2)),   the leading s without gradient.

The UNet learns what is left, in the units of Karras et al. (2022, arXiv 2206.00364, table 1), which give its
target unit variance at every noise level and every pixel:

    target = (x0 - m - (s^2 / v) r) sqrt(v) / (s sigma),   r = x0 + sigma noise - m,   v = sigma^2 + s^2

weighted by s / mean(s), so that faces count more than walls. Noise levels follow that paper's log-normal, with
mean ln 0.25, where the residual is decided; a fifth of them are uniform in training time, so that no time the
samplers visit is left untrained. Last, the scene's parameters are to be linear in z (`clay.people.numbers`): that
keeps small things such as an expression in the code, and makes them directions that a gradient can find.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.coders import Decoded
from clay.networks.images import as_channels_first, flip_some, to_unit
from clay.people.dataset import TRAIN
from clay.people.numbers import PERSON_NUMBERS, VIEW_NUMBERS, Readout, scene_numbers
from clay.rendering.dataset import load_pictures
from clay.training.loop import Plan, arguments, train

_LOG_MEAN, _LOG_SPREAD = -1.386, 1.2  # of sigma / alpha
_UNIFORM_SHARE = 0.2
_CODE_NOISE = 0.1


def sample_times(model: DiffusionAutoencoder, count: int, generator: torch.Generator) -> Tensor:
    """Fractional training times (count,) in 0..999."""
    levels = 0.5 * torch.log((1 - model.alphas_cumprod) / model.alphas_cumprod)
    device = generator.device
    wanted = _LOG_MEAN + _LOG_SPREAD * torch.randn(count, generator=generator, device=device)
    wanted = wanted.clamp(levels[0] + 1e-4, levels[-1] - 1e-4)
    above = torch.searchsorted(levels, wanted)
    share = (wanted - levels[above - 1]) / (levels[above] - levels[above - 1])
    times = above - 1 + share
    uniform = torch.rand(count, generator=generator, device=device) * (len(levels) - 1)
    return torch.where(torch.rand(count, generator=generator, device=device) < _UNIFORM_SHARE, uniform, times)


def denoising_loss(model: DiffusionAutoencoder, image: Tensor, decoded: Decoded, generator: torch.Generator) -> Tensor:
    """Squared error of F; m(z) and s(z) get no gradient from here, so that they stay mean and spread."""
    decoded = decoded._replace(mean=decoded.mean.detach(), spread=decoded.spread.detach())
    t = sample_times(model, len(image), generator)
    a_t, s = model.alpha_bar(t), decoded.spread
    sigma_t = ((1 - a_t) / a_t).sqrt()
    scale = (sigma_t**2 + s**2).sqrt()
    missing = image - decoded.mean
    r = missing + sigma_t * torch.randn(image.shape, generator=generator, device=image.device)
    target = (missing - (s / scale) ** 2 * r) * scale / (s * sigma_t)
    error = model.predict_residual(t, r / scale, decoded) - target
    return (s / s.mean() * error.square()).mean()


def spread_loss(image: Tensor, decoded: Decoded) -> Tensor:
    """Weighted negative log-likelihood of image - m(z) under N(0, s(z)^2); m(z) gets no gradient."""
    squared = (image - decoded.mean.detach()).square().mean(1, keepdim=True)
    s = decoded.spread
    return (s.detach() * (s.log() + squared / (2 * s.square()))).mean()


class Losses:
    """The losses on a random batch.

    Args:
        pictures: (n, 3, 64, 64) uint8.
        numbers: of their scenes, (n, PERSON_NUMBERS + VIEW_NUMBERS).
        batch: pictures that m(z) sees in a step.
        noisy: how many of them the UNet, which costs several times as much, sees too.
    """

    def __init__(self, pictures: Tensor, numbers: Tensor, batch: int, noisy: int) -> None:
        if not 1 <= noisy <= batch:
            raise ValueError(f"noisy must lie between 1 and batch = {batch}, but is {noisy}.")
        self.pictures, self.numbers, self.batch, self.noisy = pictures, numbers, batch, noisy

    def __call__(self, network: nn.Module, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The named losses of one step."""
        assert isinstance(network, Readout)
        model = network.network
        assert isinstance(model, DiffusionAutoencoder)
        chosen = torch.randint(len(self.pictures), (self.batch,), generator=generator, device=generator.device)
        image = flip_some(to_unit(self.pictures[chosen]), generator)
        image = image.contiguous(memory_format=torch.channels_last)
        z = model.encode(image)
        read = network.loss(z, self.numbers[chosen])
        # Noise on z keeps the decoder smooth: codes near one another must mean similar faces.
        decoded = model.decoder(z + _CODE_NOISE * torch.randn(z.shape, generator=generator, device=z.device))
        coarse = F.mse_loss(decoded.mean, image)
        few = Decoded(*(part[: self.noisy] for part in decoded))
        fine = denoising_loss(model, image[: self.noisy], few, generator)
        spread = spread_loss(image, decoded)
        # The weights make the gradients reach the encoder in about the same size.
        loss = fine + 10.0 * coarse + spread + read
        return {"loss": loss, "fine": fine, "coarse": coarse, "spread": spread, "read": read}


def main() -> None:
    """Train, and write the weights at every checkpoint."""
    parser = arguments("Train the diffusion autoencoder.", steps=12_000, out="diffusion")
    parser.add_argument("--batch", type=int, default=32, help="pictures a step for the coarse decoder")
    parser.add_argument("--noisy", type=int, default=16, help="pictures a step for the UNet")
    parser.add_argument("--rate", type=float, default=6e-4, help="highest learning rate")
    parser.add_argument("--start", type=Path, help="folder of trained weights to begin with, instead of random ones")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    model = DiffusionAutoencoder.from_folder(options.start) if options.start else DiffusionAutoencoder.create()
    model = model.requires_grad_(True).to(options.device).to(memory_format=torch.channels_last)
    network = Readout(model, int(model.encoder.config["code"]), PERSON_NUMBERS + VIEW_NUMBERS).to(options.device)
    pictures = as_channels_first(load_pictures(TRAIN, options.data)).to(options.device)
    numbers = scene_numbers(TRAIN.scenes()).to(options.device)
    losses = Losses(pictures, numbers, options.batch, options.noisy)
    plan = Plan(options.steps, options.rate, seed=options.seed)
    for moment in train(network, losses, plan, options.runs / "diffusion.pt"):
        print(moment.line, flush=True)
        if moment.saved:
            assert isinstance(moment.average, Readout)
            kept = moment.average.network
            assert isinstance(kept, DiffusionAutoencoder)
            kept.save_folder(options.out)


if __name__ == "__main__":
    main()
