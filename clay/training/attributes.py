"""Train the attribute reader: `python -m clay.training.attributes`.

The sum of the cross-entropies of all attributes, each over the pictures that can show it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.attribute_reader import AttributeReader
from clay.networks.images import as_channels_first, to_unit
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import TRAIN
from clay.rendering.dataset import load_pictures
from clay.training.augment import disturb
from clay.training.loop import Plan, arguments, train


class AttributeLoss:
    """Cross-entropies on a random batch.

    Args:
        pictures: (n, 3, 64, 64) uint8, in the order of `TRAIN.scenes()`.
        batch: pictures a step.
    """

    def __init__(self, pictures: Tensor, batch: int = 96) -> None:
        self.pictures, self.batch = pictures, batch
        self.classes = torch.tensor([true_classes(*scene) for scene in TRAIN.scenes()], device=pictures.device)

    def __call__(self, network: nn.Module, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The named losses of one step."""
        chosen = torch.randint(len(self.pictures), (self.batch,), generator=generator, device=generator.device)
        image = disturb(to_unit(self.pictures[chosen]), generator, covered=0.1)
        logits = network(image.contiguous(memory_format=torch.channels_last))
        truth = self.classes[chosen]
        total, hits = torch.zeros((), device=image.device), []
        for column, name in enumerate(ATTRIBUTES):
            shown = truth[:, column] != HIDDEN
            total = total + F.cross_entropy(logits[name], truth[:, column], ignore_index=HIDDEN)
            hits.append((logits[name].argmax(1) == truth[:, column])[shown].float().mean())
        return {"loss": total, "hits": torch.stack(hits).mean()}


def main() -> None:
    """Train, and write the weights at every checkpoint."""
    parser = arguments("Train the attribute reader.", steps=1500, out="attributes")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="highest learning rate")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    model = AttributeReader((32, 64, 96, 128)).to(options.device).to(memory_format=torch.channels_last)
    losses = AttributeLoss(as_channels_first(load_pictures(TRAIN, options.data)).to(options.device))
    plan = Plan(options.steps, options.rate, warmup=60, decay=0.99, clip=5.0, seed=options.seed)
    for moment in train(model, losses, plan, options.runs / "attributes.pt"):
        print(moment.line, flush=True)
        if moment.saved:
            assert isinstance(moment.average, AttributeReader)
            moment.average.save_folder(options.out)


if __name__ == "__main__":
    main()
