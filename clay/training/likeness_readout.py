"""Train the readout of the clay likeness: `python -m clay.training.likeness_readout`, after `clay.training.likeness`.

The measures of the parser's segments are computed once, on several random changes of each training image, so the
training takes seconds. Hair and skin keep the colours of their class.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.measures import colours, places
from clay.likeness.network import FaceParser
from clay.likeness.readout import BY_PLACE, Readout
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import Scene, scene
from clay.training.command import arguments, parse, run
from clay.training.likeness import load_or_render, numbers, random_crops
from clay.training.loop import Plan, generator_for
from clay.training.photo_like import degraded, new_background, relit

_BATCH = 50
_LIGHT = 0.6
"""Strength of the changes of light: more of them hide the skin tone."""
_WAYS = 2
"""Random changes of each image."""


class ReadoutLoss:
    """The loss on a random batch: cross-entropies, and the squared error of the skin.

    Args:
        place, colour: measures of n faces.
        scenes: n persons and views.
        batch: faces per step.
    """

    def __init__(self, place: Tensor, colour: Tensor, scenes: list[Scene], batch: int = 256) -> None:
        self.place, self.colour, self.batch = place, colour, batch
        self.classes = torch.tensor([true_classes(*one) for one in scenes])
        self.skins = torch.tensor([person.skin for person, _ in scenes])

    def __call__(self, network: Readout, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step; see `LossFunction`."""
        chosen = torch.randint(len(self.place), (self.batch,), generator=generator)
        place, colour = self.place[chosen], self.colour[chosen]
        found = network(place, colour + 0.05 * torch.randn(colour.shape, generator=generator) * (colour != 0))
        skins = self.skins[chosen]
        total, right = 0.5 * F.mse_loss(found.skin, skins), {}
        for name in (*BY_PLACE, "hair_colour"):
            logits, truth = found.attributes[name], self.classes[chosen, list(ATTRIBUTES).index(name)]
            total = total + F.cross_entropy(logits, truth, ignore_index=HIDDEN, label_smoothing=0.03)
            right[name] = (logits.argmax(1) == truth)[truth != HIDDEN].float().mean()
        return {"loss": total, "skin": (found.skin - skins).abs().mean(), **right}


@torch.no_grad()
def measured(parser: FaceParser, images: Tensor, marks: Tensor, eyes: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Places and colours of random crops of n images, `_WAYS` of each: (_WAYS n, PLACES) and (_WAYS n, COLOURS)."""
    place, colour = [], []
    for way in range(_WAYS):
        for start in range(0, len(images), _BATCH):
            generator = generator_for(seed + way, start)
            part = slice(start, start + _BATCH)
            crop, kinds, _ = random_crops(images[part], marks[part], eyes[part], generator)
            crop = relit(new_background(crop, kinds, generator), generator, _LIGHT)
            crop = degraded(crop, generator) * 2 - 1
            segments = parser(crop.contiguous(memory_format=torch.channels_last)).segments.softmax(1)
            place.append(places(segments))
            colour.append(colours(crop, segments))
    return torch.cat(place), torch.cat(colour)


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the readout of the clay likeness.", steps=3000, rate=2e-3, out="likeness")
    parser.set_defaults(people=7500, data=Path("data/likeness.npz"), out=Path("assets/likeness/readout"))
    parser.add_argument("--views", type=int, default=2, help="images of each person")
    parser.add_argument("--parser", type=Path, default=Path("assets/likeness/parser"), help="trained parser")
    options = parse(parser)
    chosen = numbers(options.people, options.views)
    images, marks, eyes = load_or_render(options.data, chosen)
    network = FaceParser.from_folder(options.parser).to(memory_format=torch.channels_last)
    place, colour = measured(network, images, marks, eyes, options.seed)
    scenes = [scene(*number) for number in chosen] * _WAYS
    plan = Plan(options.steps, options.rate, warmup=50, decay=0.99, weight_decay=0.02, clip=5.0, seed=options.seed)
    losses = ReadoutLoss(place, colour, scenes)
    checkpoint = options.runs / "likeness_readout.pt"
    run(Readout(), losses, plan, checkpoint, lambda average: average.save_folder(options.out))


if __name__ == "__main__":
    main()
