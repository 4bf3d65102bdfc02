"""Train the part segmenter: `python -m clay.training.parts`.

The loss is the cross-entropy at each pixel. The renderer makes the true parts.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clay.networks.images import to_unit
from clay.networks.part_segmenter import PartSegmenter
from clay.people.dataset import TRAIN
from clay.rendering.parts import render_parts
from clay.training.augment import add_noise, blur, relight
from clay.training.command import arguments, parse, run, training_images
from clay.training.loop import Plan


class PartLoss:
    """The loss on a random batch.

    Args:
        images: (n, 3, 64, 64) uint8.
        parts: (n, 64, 64) uint8, the true parts of each.
        batch: images per step.
    """

    def __init__(self, images: Tensor, parts: Tensor, batch: int = 32) -> None:
        self.images, self.parts, self.batch = images, parts, batch

    def __call__(self, network: PartSegmenter, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss and the accuracy of one step; see `LossFunction`."""
        chosen = torch.randint(len(self.images), (self.batch,), generator=generator, device=generator.device)
        image, truth = to_unit(self.images[chosen]), self.parts[chosen].long()
        if step % 2:
            image, truth = image.flip(-1), truth.flip(-1)
        logits = network(add_noise(relight(blur(image, generator), generator), generator))
        accuracy = (logits.argmax(1) == truth).float().mean()
        return {"loss": F.cross_entropy(logits, truth), "accuracy": accuracy}


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the part segmenter.", steps=1000, rate=3e-3, out="parts")
    parser.set_defaults(people=700, out=Path("assets/clay-parts"))
    options = parse(parser)
    scenes = TRAIN.first_people(options.people).scenes()
    parts = torch.from_numpy(np.stack([render_parts(*scene) for scene in scenes])).to(options.device)
    network = PartSegmenter().to(options.device)
    plan = Plan(options.steps, options.rate, warmup=60, decay=0.99, seed=options.seed)
    losses = PartLoss(training_images(options), parts)
    run(network, losses, plan, options.runs / "parts.pt", lambda average: average.save_folder(options.out))


if __name__ == "__main__":
    main()
