"""Train the skin of rendered faces: `python -m clay.training.likeness_skin`, after `clay.training.likeness`.

The images are renders with the renderer's own colours. Exposure, colour of the light, gamma and sharpness change at
random; the exposure that is undone is the likeliest one, not the true one, as in use. What the network sees is computed
once, on several random changes of each image. Further people serve to choose its values at the borders between tones,
at which every tone is read equally often.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.likeness.exposure import exposures
from clay.likeness.measures import background_and_clothes
from clay.likeness.network import FaceParser
from clay.likeness.render_skin import RenderSkin, skin_input
from clay.people.dataset import scene
from clay.people.person import SKIN_TONES
from clay.training.command import arguments, parse, run
from clay.training.likeness import load_or_render, numbers, random_crops
from clay.training.loop import Plan, generator_for
from clay.training.photo_like import degraded, exposed

_BATCH = 50
_NOISE = 0.02
"""Standard deviation of the logarithms of gain and gamma."""
_FOUND = torch.tensor([[0.045, -0.015], [-0.025, -0.015]])
_SPREAD, _FAR, _FAR_ODDS = (0.05, 0.06), 4.0, 0.1
"""The landmarks of 982 faces that the detector found: mean of the two eyes' errors along the line between the eyes and
at a right angle to it, in distances of the eyes; standard deviation of most; and how much larger it is for some.
"""


class RenderSamples(NamedTuple):
    """What `skin_input` takes, of n faces, and what is true of them.

    Args:
        colours, segments: in 255ths, (n, 3, h, w) and (n, segments, h, w) uint8.
        exposures: gain and gamma, (n, 4).
        truth: skins or classes, (n,).
    """

    colours: Tensor
    segments: Tensor
    exposures: Tensor
    truth: Tensor

    def input(self, chosen: Tensor, noise: Tensor | float = 1.0) -> Tensor:
        """The network's input for some of the faces; `noise` multiplies gain and gamma."""
        exposure = self.exposures[chosen] * noise
        colours, segments = (some[chosen].float() / 255 for some in (self.colours, self.segments))
        return skin_input(colours, segments, exposure[:, :3], exposure[:, 3])

    def drawn(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Input and truth of random faces, half of them mirrored, under a little noise of the exposure."""
        chosen = torch.randint(len(self.truth), (batch,), generator=generator)
        x = self.input(chosen, (_NOISE * torch.randn(batch, 4, generator=generator)).exp())
        mirrored = torch.rand(batch, generator=generator) < 0.5
        x = torch.where(mirrored[:, None, None, None], x.flip(3), x).contiguous(memory_format=torch.channels_last)
        return x, self.truth[chosen]

    @classmethod
    def of(cls, parts: list[Self]) -> Self:
        """Several together."""
        return cls(*(torch.cat(some) for some in zip(*parts, strict=True)))


class SkinLoss:
    """Huber's loss of the skin on a random batch, half of it mirrored.

    Args:
        samples: of faces.
        batch: faces per step.
    """

    def __init__(self, samples: RenderSamples, batch: int = 96) -> None:
        self.samples, self.batch = samples, batch

    def __call__(self, network: RenderSkin, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step; see `LossFunction`."""
        x, truth = self.samples.drawn(self.batch, generator)
        found = network(x)
        return {"loss": F.huber_loss(found, truth, delta=0.3), "skin": (found - truth).abs().mean()}


def found_eyes(eyes: Tensor, generator: torch.Generator) -> Tensor:
    """Centres of eyes (b, 2, 2), as far from the true ones as those of the detector's landmarks."""
    along = (eyes[:, 1] - eyes[:, 0])[:, None]
    down = torch.stack([-along[..., 1], along[..., 0]], dim=-1)
    far = torch.where(torch.rand(len(eyes), 1, 1, generator=generator) < _FAR_ODDS, _FAR, 1.0)
    error = _FOUND + far * torch.tensor(_SPREAD) * torch.randn(len(eyes), 2, 2, generator=generator)
    return eyes + error[..., :1] * along + error[..., 1:] * down


View = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""A crop in [-1, 1] and its segments -> the colours in [0, 1] and segments that a network sees."""


def whole(crop: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
    """All of the crop, reduced to the size of the segments."""
    return (F.avg_pool2d(crop, 2) + 1) / 2, segments


@torch.no_grad()
def sampled(
    parser: FaceParser,
    images: Tensor,
    marks: Tensor,
    eyes: Tensor,
    truth: Tensor,
    ways: int,
    seed: int,
    view: View = whole,
) -> RenderSamples:
    """Random crops of n images, `ways` of each, with the truth (n,)."""
    parts = []
    for way in range(ways):
        for start in range(0, len(images), _BATCH):
            generator, part = generator_for(seed + way, start), slice(start, start + _BATCH)
            crops, _, _ = random_crops(images[part], marks[part], found_eyes(eyes[part], generator), generator)
            crops = degraded(exposed(crops, generator), generator) * 2 - 1
            segments = parser(crops.contiguous(memory_format=torch.channels_last)).segments.softmax(1)
            found = []
            for crop, kinds in zip(crops[:, None], segments[:, None], strict=True):
                _, likeliest = exposures(*background_and_clothes(crop, kinds))[0]
                found.append(torch.cat([likeliest.gain, likeliest.gain.new_tensor([likeliest.gamma])]))
            colours, kinds = ((255 * some).round().to(torch.uint8) for some in view(crops, segments))
            parts.append(RenderSamples(colours, kinds, torch.stack(found), truth[part]))
    return RenderSamples.of(parts)


@torch.no_grad()
def equal_borders(found: Tensor, tones: Tensor) -> Tensor:
    """The values (3,) between which equal shares of every tone lie.

    Args:
        found: the network's values for n faces, (n,).
        tones: indices in `SKIN_TONES`, (n,); each occurs.
    """
    values = [found[tones == k].sort().values for k in range(len(SKIN_TONES))]

    def borders(share: float) -> list[float]:
        """Those at which this share of every tone but the last one is read."""
        upper = [float("-inf")]
        for one in values[:-1]:
            below = int((one <= upper[-1]).sum())
            upper.append(float(one[min(below + int(share * len(one)), len(one) - 1)]))
        return upper[1:]

    low, high = 0.0, 1.0
    for _ in range(30):
        share = (low + high) / 2
        last = float((values[-1] > borders(share)[-1]).float().mean())
        low, high = (share, high) if last > share else (low, share)
    return torch.tensor(borders(low))


def render_arguments(description: str, what: str) -> argparse.ArgumentParser:
    """The options of a network of rendered faces, whose weights are in the folder `what`."""
    parser = arguments(description, steps=10000, rate=2e-3, out="likeness")
    parser.set_defaults(people=7500, data=Path("data/likeness_plain.npz"), out=Path("assets/likeness") / what)
    parser.add_argument("--parser", type=Path, default=Path("assets/likeness/parser"), help="trained parser")
    parser.add_argument("--views", type=int, default=2, help="images of each person")
    parser.add_argument("--ways", type=int, default=6, help="random changes of each image")
    return parser


def renders_of(options: argparse.Namespace) -> tuple[list[tuple[int, int]], FaceParser, tuple[Tensor, Tensor, Tensor]]:
    """Numbers of person and view; the parser; images, segments and eyes with the renderer's own colours."""
    chosen = numbers(options.people, options.views)
    reader = FaceParser.from_folder(options.parser).to(memory_format=torch.channels_last)
    return chosen, reader, load_or_render(options.data, chosen, varied=False)


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = render_arguments("Train the skin of rendered faces.", "skin")
    parser.add_argument("--held-out", type=int, default=700, help="of the people, those for the borders between tones")
    options = parse(parser)
    chosen, reader, (images, marks, eyes) = renders_of(options)
    people = [scene(*number)[0] for number in chosen]
    skins = torch.tensor([person.skin for person in people])
    tones = torch.tensor([SKIN_TONES.index(person.skin_tone) for person in people])
    other = torch.tensor([person >= options.people - options.held_out for person, _ in chosen])

    def samples(part: Tensor) -> RenderSamples:
        return sampled(reader, images[part], marks[part], eyes[part], skins[part], options.ways, options.seed)

    used, others = samples(~other), samples(other)

    def save(average: RenderSkin) -> None:
        count = len(others.truth)
        parts = [torch.arange(k, min(k + _BATCH, count)) for k in range(0, count, _BATCH)]
        found = torch.cat([average(others.input(part)) for part in parts])
        average.borders.copy_(equal_borders(found, tones[other].repeat(options.ways)))
        average.save_folder(options.out)

    plan = Plan(options.steps, options.rate, warmup=100, decay=0.995, weight_decay=0.02, clip=5.0, seed=options.seed)
    network = RenderSkin().to(memory_format=torch.channels_last)
    run(network, SkinLoss(used), plan, options.runs / "likeness_skin.pt", save)


if __name__ == "__main__":
    main()
