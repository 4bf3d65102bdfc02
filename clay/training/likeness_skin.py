"""Train the skin of rendered faces: `python -m clay.training.likeness_skin`, after `clay.training.likeness`.

The images are renders with the renderer's own colours. Exposure, colour of the light, gamma and sharpness change at
random; the exposure that is undone is the likeliest one, not the true one, as in use. The measures are computed once,
on several random changes of each image.

Faces as the detector finds them are nearer to use. `python -m benchmarks.likeness --measures FILE` measures some of the
training split, and `--measures FILE --start FOLDER` goes on with them from trained weights.
"""

from argparse import Namespace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.exposure import exposures
from clay.likeness.measures import background_and_clothes
from clay.likeness.network import FaceParser
from clay.likeness.render_skin import RenderSkin, skin_measures
from clay.people.dataset import scene
from clay.training.command import arguments, parse, run
from clay.training.likeness import load_or_render, numbers, random_crops
from clay.training.loop import Plan, generator_for
from clay.training.photo_like import degraded, exposed

_BATCH = 50
_NOISE = 0.05
"""Standard deviation of what is added to the measures, which are logarithms of base 2."""


class SkinLoss:
    """Huber's loss of the skin on a random batch.

    Args:
        measures: of n faces, (n, `SKIN_MEASURES`).
        skins: the true skin of each, (n,).
        batch: faces per step.
    """

    def __init__(self, measures: Tensor, skins: Tensor, batch: int = 256) -> None:
        self.measures, self.skins, self.batch = measures, skins, batch

    def __call__(self, network: RenderSkin, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step; see `LossFunction`."""
        chosen = torch.randint(len(self.measures), (self.batch,), generator=generator)
        measures, truth = self.measures[chosen], self.skins[chosen]
        found = network(measures + _NOISE * torch.randn(measures.shape, generator=generator) * (measures != 0))
        return {"loss": F.huber_loss(found, truth, delta=0.3), "skin": (found - truth).abs().mean()}


@torch.no_grad()
def measured(parser: FaceParser, images: Tensor, marks: Tensor, eyes: Tensor, ways: int, seed: int) -> Tensor:
    """Measures of random crops of n images, `ways` of each: (ways n, `SKIN_MEASURES`)."""
    rows = []
    for way in range(ways):
        for start in range(0, len(images), _BATCH):
            generator = generator_for(seed + way, start)
            part = slice(start, start + _BATCH)
            crops, _, _ = random_crops(images[part], marks[part], eyes[part], generator)
            crops = degraded(exposed(crops, generator), generator) * 2 - 1
            segments = parser(crops.contiguous(memory_format=torch.channels_last)).segments.softmax(1)
            for crop, kinds in zip(crops[:, None], segments[:, None], strict=True):
                _, likeliest = exposures(*background_and_clothes(crop, kinds))[0]
                rows.append(skin_measures(crop, kinds, likeliest))
    return torch.cat(rows)


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the skin of rendered faces.", steps=6000, rate=2e-3, out="likeness")
    parser.set_defaults(people=800, data=Path("data/likeness_plain.npz"), out=Path("assets/likeness/skin"))
    parser.add_argument("--parser", type=Path, default=Path("assets/likeness/parser"), help="trained parser")
    parser.add_argument("--views", type=int, default=8, help="images of each of the people")
    parser.add_argument("--ways", type=int, default=3, help="random changes of each image")
    parser.add_argument("--measures", type=Path, help="measures of found faces, in place of rendered images")
    parser.add_argument("--start", type=Path, help="folder of trained weights to go on from")
    options = parse(parser)
    measures, skins = _measured(options) if options.measures is None else loaded(options.measures)
    plan = Plan(options.steps, options.rate, warmup=50, decay=0.99, weight_decay=0.02, clip=5.0, seed=options.seed)
    network = RenderSkin() if options.start is None else RenderSkin.from_folder(options.start).requires_grad_(True)
    checkpoint = options.runs / "likeness_skin.pt"
    run(network, SkinLoss(measures, skins), plan, checkpoint, lambda average: average.save_folder(options.out))


def _measured(options: Namespace) -> tuple[Tensor, Tensor]:
    chosen = numbers(options.people, options.views)
    images, marks, eyes = load_or_render(options.data, chosen, varied=False)
    network = FaceParser.from_folder(options.parser).to(memory_format=torch.channels_last)
    skins = torch.tensor([scene(*number)[0].skin for number in chosen])
    measures = measured(network, images, marks, eyes, options.ways, options.seed)
    return measures, skins.repeat(options.ways)


def loaded(path: Path) -> tuple[Tensor, Tensor]:
    """Measures (n, `SKIN_MEASURES`) and skins (n,) of a file of `benchmarks.likeness`."""
    with np.load(path, allow_pickle=False) as file:
        return torch.from_numpy(file["measures"]).float(), torch.from_numpy(file["skins"]).float()


if __name__ == "__main__":
    main()
