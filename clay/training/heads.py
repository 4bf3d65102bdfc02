"""Train the attribute heads on the autoencoder's code: `python -m clay.training.heads`.

The loss is the sum over attributes of the cross-entropy, each over the images that can show the attribute. The codes of
the images are computed once, so the training takes seconds.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.heads import AttributeHeads
from clay.networks.images import to_unit
from clay.networks.storage import read_network
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import TRAIN, Split
from clay.people.vectors import person_vector
from clay.training.command import arguments, keep_heads, parse, run, training_images
from clay.training.loop import Plan


class HeadLoss:
    """The loss on a random batch.

    Args:
        codes: (n, d), in the order of `split.scenes()`.
        split: the people of the codes.
        batch: codes per step.
    """

    def __init__(self, codes: Tensor, split: Split, batch: int = 512) -> None:
        self.codes, self.batch = codes, batch
        self.classes = torch.tensor([true_classes(*scene) for scene in split.scenes()], device=codes.device)

    def __call__(self, network: AttributeHeads, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step; see `LossFunction`."""
        chosen = torch.randint(len(self.codes), (self.batch,), generator=generator, device=generator.device)
        logits, truth = network(self.codes[chosen]), self.classes[chosen]
        losses = [F.cross_entropy(logits[k], truth[:, i], ignore_index=HIDDEN) for i, k in enumerate(ATTRIBUTES)]
        return {"loss": torch.stack(losses).sum()}


@torch.no_grad()
def codes_of(images: Tensor, encoder: nn.Module, batch: int = 100) -> Tensor:
    """z (n, d) of images (n, 3, 64, 64) uint8."""
    return torch.cat([encoder(to_unit(part)) for part in torch.split(images, batch)])


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the attribute heads.", steps=800, rate=0.02, out="heads")
    parser.set_defaults(people=800)
    parser.add_argument(
        "--diffusion", type=Path, default=Path("assets/clay/diffusion"), help="folder of the autoencoder"
    )
    parser.add_argument("--start", type=Path, help="folder of heads that stay as they are; those that it lacks train")
    options = parse(parser)
    autoencoder = DiffusionAutoencoder.from_folder(options.diffusion, options.device)
    codes = codes_of(training_images(options), autoencoder.encoder)
    network = AttributeHeads(codes.shape[1]).to(options.device)
    split = TRAIN.first_people(options.people)
    if options.start:
        keep_heads(network, read_network(options.start, "attribute heads")[1])
    else:
        network.measure_root(codes)
        people = torch.tensor([person_vector(person) for person, _ in split.scenes()], device=codes.device)
        network.fit_person(codes, people)
    plan = Plan(options.steps, options.rate, warmup=20, decay=0.99, clip=5.0, seed=options.seed)
    losses = HeadLoss(codes, split)
    run(network, losses, plan, options.runs / "heads.pt", lambda average: average.save_folder(options.out))


if __name__ == "__main__":
    main()
