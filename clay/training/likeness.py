"""Train the face parser of the clay likeness: `python -m clay.training.likeness`.

The loss is the cross-entropy of the segments, plus those of the attributes, each over the images that can show it, plus
the error of yaw and pitch. The images are rendered at first and kept in a file.
"""

import copy
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.frame import eye_frame
from clay.likeness.network import READ, FaceParser
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import TRAIN, Scene, scene
from clay.people.view import SEGMENTS
from clay.training.command import SHARE, arguments, made_once, mixed, parse, run
from clay.training.loop import Plan
from clay.training.photo_like import brimmed, browed, narrowed, photo_like, spectacled

_GLASSES = list(ATTRIBUTES).index("glasses")
_SPECTACLED = 0.25
"""Share of the faces without glasses on which some are drawn."""
_RARE = ("frames", "lenses", "beard", "hat")


def numbers(people: int, views: int = 1) -> list[tuple[int, int]]:
    """So many scenes of each of the first people of the training split: one of each, then another one of each."""
    return [(i, (i + 5 * k) % TRAIN.views) for k in range(views) for i in range(people)]


class LikenessLoss:
    """The loss on a random batch.

    Args:
        images: (n, h, w, 3) uint8.
        marks: (n, h, w) uint8, their segments.
        eyes: (n, 2, 2), centres of the eyes in pixels.
        scenes: n persons and views.
        batch: images per step.
    """

    def __init__(self, images: Tensor, marks: Tensor, eyes: Tensor, scenes: list[Scene], batch: int = 24) -> None:
        self.images, self.marks, self.eyes, self.batch = images, marks, eyes, batch
        self.classes = torch.tensor([true_classes(*one) for one in scenes])
        self.angles = torch.tensor([[view.yaw, view.pitch] for _, view in scenes])
        self.weights = torch.tensor([2.5 if name in _RARE else 1.0 for name in SEGMENTS])

    def __call__(self, network: FaceParser, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step; see `LossFunction`."""
        chosen = torch.randint(len(self.images), (self.batch,), generator=generator)
        crop, marks, mirrored = random_crops(self.images[chosen], self.marks[chosen], self.eyes[chosen], generator)
        truth = self.classes[chosen]
        glasses = truth[:, _GLASSES]  # the first class is none
        worn = (glasses == 0) & (torch.rand(self.batch, generator=generator) < _SPECTACLED)
        truth[worn, _GLASSES] = 1
        crop, marks = narrowed(crop, marks, generator)
        crop, marks = brimmed(browed(crop, marks, generator), marks, generator)
        crop, marks = spectacled(crop, marks, worn, generator)
        crop = photo_like(crop, marks, generator)
        found = network((crop * 2 - 1).contiguous(memory_format=torch.channels_last))
        target = marks[:, 0, 1::2, 1::2]
        total = 1.5 * F.cross_entropy(found.segments, target, self.weights)
        right = []
        for name, logits in found.attributes.items():
            column = truth[:, list(ATTRIBUTES).index(name)]
            total = total + 0.4 * F.cross_entropy(logits, column, ignore_index=HIDDEN, label_smoothing=0.02)
            right.append((logits.argmax(1) == column)[column != HIDDEN].float().mean())
        sign = torch.where(mirrored[:, None], torch.tensor([-1.0, 1.0]), torch.ones(2))
        total = total + 2.0 * F.smooth_l1_loss(found.angles, self.angles[chosen] * sign, beta=0.1)
        same = (found.segments.argmax(1) == target).float().mean()
        return {"loss": total, "segments": same} | dict(zip(READ, right, strict=True))


def random_crops(
    images: Tensor, marks: Tensor, eyes: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Crops by inexact eyes, half of them mirrored.

    Args:
        images: (b, h, w, 3) uint8.
        marks: (b, h, w) uint8.
        eyes: (b, 2, 2) in pixels.
        generator: source of the random numbers.

    Returns:
        Crops (b, 3, SIZE, SIZE) in [0, 1], their segments (b, 1, SIZE, SIZE) int64, and which are mirrored (b,).
    """
    count = len(images)
    span = (eyes[:, 1] - eyes[:, 0]).norm(dim=1)[:, None, None]
    single, common = (torch.randn(count, k, 2, generator=generator) for k in (2, 1))
    eyes = eyes + span * (0.035 * single + 0.03 * common)
    crop = eye_frame(images.permute(0, 3, 1, 2).float() / 255, eyes)
    kinds = eye_frame(marks[:, None].float(), eyes, mode="nearest").long()
    mirrored = torch.rand(count, generator=generator) < 0.5
    flip = mirrored[:, None, None, None]
    return torch.where(flip, crop.flip(3), crop), torch.where(flip, kinds.flip(3), kinds), mirrored


def load_or_render(path: Path, scenes: list[tuple[int, int]], varied: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """Images, segments and eyes of the training scenes; rendered and written to `path` if the file is missing.

    Args:
        path: of the file.
        scenes: their numbers in `clay.people.dataset`.
        varied: whether colours vary as those of photographs do.
    """

    def make() -> dict[str, np.ndarray]:
        from clay.training.likeness_set import render_set  # numba is needed here only

        made = render_set(scenes, varied=varied)
        return {"images": made.images, "segments": made.segments, "eyes": made.eyes}

    file = made_once(path, make)
    images, marks, eyes = (torch.from_numpy(file[name]) for name in ("images", "segments", "eyes"))
    return images, marks, eyes


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the face parser.", steps=2200, rate=2e-3, out="likeness")
    parser.set_defaults(people=7500, data=Path("data/likeness.npz"), out=Path("assets/likeness/parser"))
    parser.add_argument("--views", type=int, default=2, help="images of each person")
    parser.add_argument("--start", type=Path, help="folder of weights to start from; random weights if left out")
    parser.add_argument("--share", type=float, default=1.0, help=SHARE)
    options = parse(parser)
    chosen = numbers(options.people, options.views)
    images, marks, eyes = load_or_render(options.data, chosen)
    scenes = [scene(*number) for number in chosen]
    plan = Plan(options.steps, options.rate, warmup=100, decay=0.995, clip=5.0, seed=options.seed)
    start = FaceParser.from_folder(options.start) if options.start else FaceParser()
    network = copy.deepcopy(start).train().requires_grad_(True).to(memory_format=torch.channels_last)

    def save(average: FaceParser) -> None:
        mixed(start, average, options.share).save_folder(options.out)

    run(network, LikenessLoss(images, marks, eyes, scenes), plan, options.runs / "likeness.pt", save)


if __name__ == "__main__":
    main()
