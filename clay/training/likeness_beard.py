"""Train the facial hair of rendered faces: `python -m clay.training.likeness_beard`, after `clay.training.likeness`.

The images and their random changes are those of `clay.training.likeness_skin`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.render_beard import RenderBeard, lower_face
from clay.people.dataset import scene
from clay.people.person import FACIAL_HAIR
from clay.training.command import parse, run
from clay.training.likeness_skin import RenderSamples, render_arguments, renders_of, sampled
from clay.training.loop import Plan


class BeardLoss:
    """Cross entropy of the facial hair on a random batch, half of it mirrored.

    Args:
        samples: of faces.
        batch: faces per step.
    """

    def __init__(self, samples: RenderSamples, batch: int = 96) -> None:
        self.samples, self.batch = samples, batch

    def __call__(self, network: RenderBeard, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step; see `LossFunction`."""
        x, truth = self.samples.drawn(self.batch, generator)
        logits = network(x)
        return {"loss": F.cross_entropy(logits, truth), "right": (logits.argmax(1) == truth).float().mean()}


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    options = parse(render_arguments("Train the facial hair of rendered faces.", "beard"))
    chosen, reader, renders = renders_of(options)
    truth = torch.tensor([FACIAL_HAIR.index(scene(*number)[0].facial_hair) for number in chosen])
    samples = sampled(reader, *renders, truth, options.ways, options.seed, lower_face)
    plan = Plan(options.steps, options.rate, warmup=100, decay=0.995, weight_decay=0.02, clip=5.0, seed=options.seed)
    network = RenderBeard().to(memory_format=torch.channels_last)
    checkpoint = options.runs / "likeness_beard.pt"
    run(network, BeardLoss(samples), plan, checkpoint, lambda average: average.save_folder(options.out))


if __name__ == "__main__":
    main()
