"""Train the skin of rendered faces: `python -m clay.training.likeness_skin`, after `clay.training.likeness`.

The images are renders with the renderer's own colours. Exposure, colour of the light, gamma and sharpness change at
random; the exposure that is undone is the likeliest one, not the true one, as in use. What the network sees is computed
once, on several random changes of each image. Further people serve to choose its values at the borders between tones,
at which every tone is read equally often.
"""

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


class SkinSamples(NamedTuple):
    """What `skin_input` takes, of n faces, and their skin.

    Args:
        colours, segments: in 255ths, (n, 3, h, w) and (n, segments, h, w) uint8.
        exposures: gain and gamma, (n, 4).
        skins: (n,).
    """

    colours: Tensor
    segments: Tensor
    exposures: Tensor
    skins: Tensor

    def input(self, chosen: Tensor, noise: Tensor | float = 1.0) -> Tensor:
        """The network's input for some of the faces; `noise` multiplies gain and gamma."""
        exposure = self.exposures[chosen] * noise
        colours, segments = (some[chosen].float() / 255 for some in (self.colours, self.segments))
        return skin_input(colours, segments, exposure[:, :3], exposure[:, 3])

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

    def __init__(self, samples: SkinSamples, batch: int = 96) -> None:
        self.samples, self.batch = samples, batch

    def __call__(self, network: RenderSkin, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step; see `LossFunction`."""
        chosen = torch.randint(len(self.samples.skins), (self.batch,), generator=generator)
        x = self.samples.input(chosen, (_NOISE * torch.randn(self.batch, 4, generator=generator)).exp())
        mirrored = torch.rand(self.batch, generator=generator) < 0.5
        x = torch.where(mirrored[:, None, None, None], x.flip(3), x).contiguous(memory_format=torch.channels_last)
        found, truth = network(x), self.samples.skins[chosen]
        return {"loss": F.huber_loss(found, truth, delta=0.3), "skin": (found - truth).abs().mean()}


def found_eyes(eyes: Tensor, generator: torch.Generator) -> Tensor:
    """Centres of eyes (b, 2, 2), as far from the true ones as those of the detector's landmarks."""
    along = (eyes[:, 1] - eyes[:, 0])[:, None]
    down = torch.stack([-along[..., 1], along[..., 0]], dim=-1)
    far = torch.where(torch.rand(len(eyes), 1, 1, generator=generator) < _FAR_ODDS, _FAR, 1.0)
    error = _FOUND + far * torch.tensor(_SPREAD) * torch.randn(len(eyes), 2, 2, generator=generator)
    return eyes + error[..., :1] * along + error[..., 1:] * down


@torch.no_grad()
def sampled(
    parser: FaceParser, images: Tensor, marks: Tensor, eyes: Tensor, skins: Tensor, ways: int, seed: int
) -> SkinSamples:
    """Random crops of n images, `ways` of each."""
    parts = []
    for way in range(ways):
        for start in range(0, len(images), _BATCH):
            generator, part = generator_for(seed + way, start), slice(start, start + _BATCH)
            crops, _, _ = random_crops(images[part], marks[part], found_eyes(eyes[part], generator), generator)
            crops = degraded(exposed(crops, generator), generator)
            segments = parser((crops * 2 - 1).contiguous(memory_format=torch.channels_last)).segments.softmax(1)
            found = []
            for crop, kinds in zip(crops[:, None], segments[:, None], strict=True):
                _, likeliest = exposures(*background_and_clothes(crop * 2 - 1, kinds))[0]
                found.append(torch.cat([likeliest.gain, likeliest.gain.new_tensor([likeliest.gamma])]))
            colours, kinds = ((255 * some).round().to(torch.uint8) for some in (F.avg_pool2d(crops, 2), segments))
            parts.append(SkinSamples(colours, kinds, torch.stack(found), skins[part]))
    return SkinSamples.of(parts)


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


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train the skin of rendered faces.", steps=10000, rate=2e-3, out="likeness")
    parser.set_defaults(people=7500, data=Path("data/likeness_plain.npz"), out=Path("assets/likeness/skin"))
    parser.add_argument("--parser", type=Path, default=Path("assets/likeness/parser"), help="trained parser")
    parser.add_argument("--views", type=int, default=2, help="images of each person")
    parser.add_argument("--ways", type=int, default=6, help="random changes of each image")
    parser.add_argument("--held-out", type=int, default=700, help="of the people, those for the borders between tones")
    options = parse(parser)
    chosen = numbers(options.people, options.views)
    images, marks, eyes = load_or_render(options.data, chosen, varied=False)
    reader = FaceParser.from_folder(options.parser).to(memory_format=torch.channels_last)
    people = [scene(*number)[0] for number in chosen]
    skins = torch.tensor([person.skin for person in people])
    tones = torch.tensor([SKIN_TONES.index(person.skin_tone) for person in people])
    other = torch.tensor([person >= options.people - options.held_out for person, _ in chosen])

    def samples(part: Tensor) -> SkinSamples:
        return sampled(reader, images[part], marks[part], eyes[part], skins[part], options.ways, options.seed)

    used, others = samples(~other), samples(other)

    def save(average: RenderSkin) -> None:
        count = len(others.skins)
        parts = [torch.arange(k, min(k + _BATCH, count)) for k in range(0, count, _BATCH)]
        found = torch.cat([average(others.input(part)) for part in parts])
        average.borders.copy_(equal_borders(found, tones[other].repeat(options.ways)))
        average.save_folder(options.out)

    plan = Plan(options.steps, options.rate, warmup=100, decay=0.995, weight_decay=0.02, clip=5.0, seed=options.seed)
    network = RenderSkin().to(memory_format=torch.channels_last)
    run(network, SkinLoss(used), plan, options.runs / "likeness_skin.pt", save)


if __name__ == "__main__":
    main()
