"""Train the enlarger: `python -m clay.training.enlarger`.

The loss is the mean absolute difference to the render with four times as many pixels along each axis. Half of the
inputs are renders, half are what the autoencoder samples in few steps from their codes, with the softness of its
samples. The images are rendered at first and kept in a file.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.enlarger import FACTOR, Enlarger
from clay.networks.images import as_channels_first, to_bytes, to_unit
from clay.networks.sampling import ddim, few_times
from clay.people.dataset import scene
from clay.training.command import arguments, made_once, parse, run
from clay.training.likeness import numbers
from clay.training.loop import Plan, generator_for
from clay.world import FOLDER_128

SIZE = 128
_CROP, _BORDER = 32, 4
"""Pixels of the input that a step looks at, and of its border, whose surroundings the network does not see."""
_STEPS = 4
_BATCH = 20


class EnlargerLoss:
    """The loss on a random batch of crops.

    Args:
        inputs: variants of n images, each (n, 3, h, w) uint8.
        large: (n, 3, 4 h, 4 w) uint8.
        batch: crops per step.
    """

    def __init__(self, inputs: list[Tensor], large: Tensor, batch: int = 16) -> None:
        self.inputs, self.large, self.batch = inputs, large, batch

    def __call__(self, network: Enlarger, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step; see `LossFunction`."""
        side = self.large.shape[-1] // FACTOR
        small, large = [], []
        for k in range(self.batch):
            image = int(torch.randint(len(self.large), (1,), generator=generator))
            top, left = torch.randint(side - _CROP + 1, (2,), generator=generator).tolist()
            small.append(_crop(self.inputs[k % len(self.inputs)][image], top, left, _CROP))
            large.append(_crop(self.large[image], FACTOR * top, FACTOR * left, FACTOR * _CROP))
        x, truth = to_unit(torch.stack(small)), to_unit(torch.stack(large))
        if step % 2:
            x, truth = x.flip(-1), truth.flip(-1)
        edge = FACTOR * _BORDER
        inner = (..., slice(edge, -edge), slice(edge, -edge))
        return {"loss": F.l1_loss(network(x.contiguous(memory_format=torch.channels_last))[inner], truth[inner])}


def _crop(image: Tensor, top: int, left: int, side: int) -> Tensor:
    return image[:, top : top + side, left : left + side]


def load_or_render(path: Path, people: int) -> tuple[Tensor, Tensor]:
    """A render of each of the first people of the training split, small and large, in uint8.

    Args:
        path: of the file, made if it is missing.
        people: how many.
    """

    def make() -> dict[str, np.ndarray]:
        from clay.rendering.render import render_all  # numba is needed here only

        scenes = [scene(*number) for number in numbers(people)]
        return {"small": render_all(scenes, SIZE), "large": render_all(scenes, FACTOR * SIZE)}

    file = made_once(path, make)
    return as_channels_first(file["small"]), as_channels_first(file["large"])


@torch.no_grad()
def sampled(model: DiffusionAutoencoder, images: Tensor, seed: int) -> Tensor:
    """Samples from the codes of images (n, 3, h, w) uint8 and fresh noise, in few steps; of the same kind."""
    grid, parts = few_times(model, _STEPS), []
    for start in range(0, len(images), _BATCH):
        image = to_unit(images[start : start + _BATCH]).contiguous(memory_format=torch.channels_last)
        noise = torch.randn(image.shape, generator=generator_for(seed, start))
        parts.append(to_bytes(ddim(model, noise, model.encode(image), grid)))
    return as_channels_first(np.concatenate(parts))


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the enlarger.", steps=12000, rate=2e-3, out="enlarger")
    parser.set_defaults(people=700, data=Path("data/enlarger.npz"), out=Path("assets/clay-enlarger"))
    options = parse(parser)
    small, large = load_or_render(options.data, options.people)
    autoencoder = DiffusionAutoencoder.from_folder(FOLDER_128 / "diffusion").to(memory_format=torch.channels_last)
    losses = EnlargerLoss([small, sampled(autoencoder, small, options.seed)], large)
    plan = Plan(options.steps, options.rate, warmup=100, decay=0.998, seed=options.seed)
    network = Enlarger().to(memory_format=torch.channels_last)
    run(network, losses, plan, options.runs / "enlarger.pt", lambda average: average.save_folder(options.out))


if __name__ == "__main__":
    main()
