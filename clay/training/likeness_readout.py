"""Train the readout of the clay likeness: `python -m clay.training.likeness_readout`, after `clay.training.likeness`.

The measures of the parser's segments are computed once, on several random changes of each training image, so the
training takes seconds. Hair and skin keep the colours of their class.

The skin from all colours is learned from renders as they are, under other light: their backgrounds, clothes and eyes
have known colours, from which the light follows.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.measures import colours, places
from clay.likeness.network import FaceParser
from clay.likeness.readout import BY_PLACE, Readout
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import TRAIN, Scene, scene
from clay.rendering.dataset import load_images
from clay.training.command import arguments, parse, run
from clay.training.likeness import load_or_render, numbers, random_crops
from clay.training.likeness_set import eye_centres
from clay.training.loop import Plan, generator_for
from clay.training.photo_like import degraded, exposed, new_background, relit

_BATCH = 50
_VARIED = 6000
_LIGHT = 0.6
"""Strength of the changes of light: more of them hide the skin tone."""
_WAYS = 2
"""Random changes of each image."""


class ReadoutLoss:
    """The loss on a random batch: cross-entropies, and the squared error of the skin.

    Args:
        photos: measures of faces that resemble photographs, for all but the skin from all colours.
        renders: measures of renders, for the skin from all colours.
        batch: faces per step.
    """

    def __init__(self, photos: "Measured", renders: "Measured", batch: int = 256) -> None:
        self.photos, self.renders, self.batch = photos, renders, batch
        self.classes = torch.tensor([true_classes(*one) for one in photos.scenes])
        self.skins, self.rendered = (torch.tensor([one.skin for one, _ in m.scenes]) for m in (photos, renders))

    def __call__(self, network: Readout, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step; see `LossFunction`."""
        chosen = torch.randint(len(self.skins), (self.batch,), generator=generator)
        place, colour = self.photos.place[chosen], self.photos.colour[chosen]
        found = network(place, colour + 0.05 * torch.randn(colour.shape, generator=generator) * (colour != 0))
        other = torch.randint(len(self.rendered), (self.batch,), generator=generator)
        skin = network(self.renders.place[other], self.renders.colour[other]).skin
        error = F.smooth_l1_loss(skin, self.rendered[other], beta=0.1)
        total, right = error + 0.5 * F.mse_loss(found.skin_alone, self.skins[chosen]), {}
        for name in (*BY_PLACE, "hair_colour"):
            logits, truth = found.attributes[name], self.classes[chosen, list(ATTRIBUTES).index(name)]
            total = total + F.cross_entropy(logits, truth, ignore_index=HIDDEN, label_smoothing=0.03)
            right[name] = (logits.argmax(1) == truth)[truth != HIDDEN].float().mean()
        return {"loss": total, "skin": (skin - self.rendered[other]).abs().mean(), **right}


class Measured(NamedTuple):
    """Measures of n faces: places (n, PLACES), colours (n, COLOURS), and their persons and views."""

    place: Tensor
    colour: Tensor
    scenes: list[Scene]


@torch.no_grad()
def measured(
    parser: FaceParser,
    images: Tensor,
    marks: Tensor | None,
    eyes: Tensor,
    scenes: list[Scene],
    seed: int,
) -> Measured:
    """Measures of random crops of images (n, h, w, 3), `_WAYS` of each, with random changes of the light.

    Args:
        parser: trained parser.
        images: uint8.
        marks: segments (n, h, w), to replace the background and change the saturation; None leaves both as they are.
        eyes: centres of the eyes in pixels, (n, 2, 2).
        scenes: n persons and views.
        seed: of the random numbers.
    """
    place, colour = [], []
    for way in range(_WAYS):
        for start in range(0, len(images), _BATCH):
            generator = generator_for(seed + way, start)
            part = slice(start, start + _BATCH)
            known = images[part, ..., 0] if marks is None else marks[part]
            crop, kinds, _ = random_crops(images[part], known, eyes[part], generator)
            if marks is None:
                crop = exposed(crop, generator, _LIGHT).clamp(0, 1)
            else:
                crop = relit(new_background(crop, kinds, generator), generator, _LIGHT)
            crop = degraded(crop, generator) * 2 - 1
            segments = parser(crop.contiguous(memory_format=torch.channels_last)).segments.softmax(1)
            place.append(places(segments))
            colour.append(colours(crop, segments))
    return Measured(torch.cat(place), torch.cat(colour), scenes * _WAYS)


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the readout of the clay likeness.", steps=3000, rate=2e-3, out="likeness")
    parser.set_defaults(people=800, data=Path("data/clay-128"), out=Path("assets/likeness/readout"))
    parser.add_argument("--varied", type=Path, default=Path("data/likeness.npz"), help="images of random colours")
    parser.add_argument("--parser", type=Path, default=Path("assets/likeness/parser"), help="trained parser")
    options = parse(parser)
    images, marks, eyes = load_or_render(options.varied, _VARIED)
    network = FaceParser.from_folder(options.parser).to(memory_format=torch.channels_last)
    varied = [scene(*number) for number in numbers(len(images))]
    photos = measured(network, images, marks, eyes, varied, options.seed)
    renders = measured(network, *rendered(options.data, options.people), options.seed + _WAYS)
    plan = Plan(options.steps, options.rate, warmup=50, decay=0.99, weight_decay=0.02, clip=5.0, seed=options.seed)
    checkpoint = options.runs / "likeness_readout.pt"
    run(Readout(), ReadoutLoss(photos, renders), plan, checkpoint, lambda average: average.save_folder(options.out))


def rendered(data: Path, people: int) -> tuple[Tensor, None, Tensor, list[Scene]]:
    """Renders of the data set with 128 pixels, no segments, the centres of the eyes, and the scenes."""
    split = TRAIN.first_people(people)
    images, scenes = torch.from_numpy(load_images(split, data)), split.scenes()
    eyes = torch.from_numpy(np.stack([eye_centres(*one, images.shape[1]) for one in scenes]))
    return images, None, eyes, scenes


if __name__ == "__main__":
    main()
