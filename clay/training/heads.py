"""Train the attribute heads on the autoencoder's code: `python -m clay.training.heads`.

The sum of the cross-entropies of all attributes, each over the pictures that can show it. The codes of the pictures are
computed once, so the training takes seconds.
"""

from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.heads import AttributeHeads
from clay.networks.images import as_channels_first, to_unit
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import TRAIN, Split
from clay.rendering.dataset import load_pictures
from clay.training.loop import Plan, arguments, train


class HeadLoss:
    """Cross-entropies on a random batch.

    Args:
        codes: (n, d), in the order of `split.scenes()`.
        split: the people of the codes.
        batch: codes a step.
    """

    def __init__(self, codes: Tensor, split: Split, batch: int = 512) -> None:
        self.codes, self.batch = codes, batch
        self.classes = torch.tensor([true_classes(*scene) for scene in split.scenes()], device=codes.device)

    def __call__(self, network: nn.Module, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The named losses of one step."""
        chosen = torch.randint(len(self.codes), (self.batch,), generator=generator, device=generator.device)
        logits, truth = network(self.codes[chosen]), self.classes[chosen]
        losses = [F.cross_entropy(logits[k], truth[:, i], ignore_index=HIDDEN) for i, k in enumerate(ATTRIBUTES)]
        return {"loss": torch.stack(losses).sum()}


@torch.no_grad()
def codes_of(pictures: Tensor, encoder: nn.Module, batch: int = 100) -> Tensor:
    """z (n, d) of pictures (n, 3, 64, 64) uint8."""
    return torch.cat([encoder(to_unit(part)) for part in torch.split(pictures, batch)])


def main() -> None:
    """Train, and write the weights at the end."""
    parser = arguments("Train the attribute heads.", steps=800, out="heads")
    parser.add_argument("--people", type=int, default=800, help="of the training split, a multiple of 100")
    parser.add_argument("--rate", type=float, default=0.02, help="highest learning rate")
    parser.add_argument(
        "--diffusion", type=Path, default=Path("assets/clay/diffusion"), help="autoencoder of the codes"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    split = replace(TRAIN, identities=options.people)
    pictures = as_channels_first(load_pictures(split, options.data)).to(options.device)
    autoencoder = DiffusionAutoencoder.from_folder(options.diffusion, options.device)
    codes = codes_of(pictures, autoencoder.encoder)
    model = AttributeHeads(codes.shape[1]).to(options.device)
    plan = Plan(options.steps, options.rate, warmup=20, decay=0.99, clip=5.0, seed=options.seed)
    for moment in train(model, HeadLoss(codes, split), plan, options.runs / "heads.pt"):
        print(moment.line, flush=True)
        if moment.saved:
            assert isinstance(moment.average, AttributeHeads)
            moment.average.save_folder(options.out)


if __name__ == "__main__":
    main()
