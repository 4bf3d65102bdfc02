"""Train the code denoiser: `python -m clay.training.code_denoiser`, after `clay.training.heads`.

The loss is the squared error of u_M, divided by that of the best estimate for normally distributed codes of unit
variance. The codes of the images are computed once.
"""

from pathlib import Path

import torch
from torch import Tensor

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.code_denoiser import SIGMA, CodeDenoiser
from clay.networks.heads import AttributeHeads
from clay.training.command import arguments, parse, run, training_images
from clay.training.heads import codes_of
from clay.training.loop import Plan


class CodeDenoiserLoss:
    """The loss on a random batch.

    Args:
        codes: u of images, (n, d).
        batch: codes per step.
    """

    def __init__(self, codes: Tensor, batch: int = 512) -> None:
        self.codes, self.batch = codes, batch

    def __call__(self, network: CodeDenoiser, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step; see `LossFunction`."""
        chosen = torch.randint(len(self.codes), (self.batch,), generator=generator, device=generator.device)
        u = self.codes[chosen]
        noisy = u + SIGMA * torch.randn(u.shape, generator=generator, device=generator.device)
        return {"loss": (network.denoised(noisy) - u).square().mean() * (1 + SIGMA**2) / SIGMA**2}


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the code denoiser.", steps=6000, rate=1e-3, out="code_denoiser")
    parser.set_defaults(people=3200)
    for name in ("diffusion", "heads"):
        parser.add_argument(f"--{name}", type=Path, default=Path("assets/clay") / name, help=f"folder of the {name}")
    options = parse(parser)
    autoencoder = DiffusionAutoencoder.from_folder(options.diffusion, options.device)
    codes = codes_of(training_images(options), autoencoder.encoder)
    network = CodeDenoiser(codes.shape[1]).to(options.device)
    network.root.copy_(AttributeHeads.from_folder(options.heads, options.device, codes.dtype).root)
    network.mean.copy_(codes.mean(dim=0))
    plan = Plan(options.steps, options.rate, weight_decay=0.01, clip=5.0, seed=options.seed)
    losses = CodeDenoiserLoss(network.whitened(codes))
    checkpoint = options.runs / "code_denoiser.pt"
    run(network, losses, plan, checkpoint, lambda average: average.save_folder(options.out))


if __name__ == "__main__":
    main()
