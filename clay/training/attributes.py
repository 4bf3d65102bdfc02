"""Train an attribute classifier: `python -m clay.training.attributes`.

The loss is the sum over its attributes of the cross-entropy, each over the images that can show the attribute. Half of
the images of more than 64 pixels are reduced to 64 with `--halved`, for a network that reads the images of both sizes.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.networks.attribute_classifier import OTHERS, AttributeClassifier
from clay.networks.backbones import load_enlarged
from clay.networks.images import halved, to_unit
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import TRAIN
from clay.training.augment import augment
from clay.training.command import arguments, parse, run, training_images
from clay.training.loop import Plan


class AttributeLoss:
    """The loss on a random batch.

    Args:
        images: (n, 3, h, w) uint8, in the order of `TRAIN.scenes()`.
        batch: images per step.
        halve: whether to reduce half of the images to 64 pixels.
    """

    def __init__(self, images: Tensor, batch: int = 96, halve: bool = False) -> None:
        self.images, self.batch, self.halve = images, batch, halve
        self.classes = torch.tensor([true_classes(*scene) for scene in TRAIN.scenes()], device=images.device)

    def __call__(self, network: AttributeClassifier, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss and the accuracy of one step; see `LossFunction`."""
        chosen = torch.randint(len(self.images), (self.batch,), generator=generator, device=generator.device)
        image = to_unit(self.images[chosen])
        image = augment(halved(image) if self.halve else image, generator, covered=0.1)
        logits = network(image.contiguous(memory_format=torch.channels_last))
        truth = self.classes[chosen]
        total, accuracies = torch.zeros((), device=image.device), []
        for name in logits:
            column = list(ATTRIBUTES).index(name)
            shown = truth[:, column] != HIDDEN
            total = total + F.cross_entropy(logits[name], truth[:, column], ignore_index=HIDDEN)
            accuracies.append((logits[name].argmax(1) == truth[:, column])[shown].float().mean())
        return {"loss": total, "accuracy": torch.stack(accuracies).mean()}


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the attribute classifier.", steps=1500, rate=1.5e-3, out="attributes")
    parser.add_argument("--size", type=int, default=64, help="side of the images in pixels")
    parser.add_argument(
        "--start", type=Path, help="folder of weights to start from, of this size or of 64; random weights if left out"
    )
    parser.add_argument("--attributes", nargs="+", choices=list(ATTRIBUTES), default=list(OTHERS), help="which")
    parser.add_argument("--batch", type=int, default=96, help="images per step")
    parser.add_argument("--halved", action="store_true", help="reduce half of the images to 64 pixels")
    options = parse(parser)
    network = AttributeClassifier((32, 64, 96, 128), options.size, options.attributes)
    if options.start:
        load_enlarged(network, AttributeClassifier.from_folder(options.start, "cpu", torch.float32).state_dict())
    network.to(options.device).to(memory_format=torch.channels_last)
    plan = Plan(options.steps, options.rate, warmup=60, decay=0.99, clip=5.0, seed=options.seed)
    losses = AttributeLoss(training_images(options), options.batch, options.halved)
    run(network, losses, plan, options.runs / "attributes.pt", lambda average: average.save_folder(options.out))


if __name__ == "__main__":
    main()
