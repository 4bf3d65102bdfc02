"""Train an identity embedder: `python -m clay.training.identity`.

A batch holds a few images of each of some people. Each image is compared with the mean embedding of each person; the
mean of its own person leaves the image out. The classification has a margin:

    loss = CE(20 [s_own - margin, s_others]),   s = cosine similarity

(prototypes after Snell et al. 2017, arXiv 1703.05175; additive margin after CosFace, Wang et al. 2018, arXiv
1801.09414). In half of the steps most of a batch are similar people, with the same hair and a similar skin tone. Two
terms are added. The similarity of embeddings is regressed on the similarity of people,

    30 mean (cos(e_i, e_j) - cos(p_i, p_j))^2 over all pairs of images,   p: a person's parameters, centred,

and a linear readout predicts the person's parameters from the embedding (`clay.networks.readout`). Without the first
term an embedder relies on hair, skin and beard, which distinguish most pairs; the model card reports its effect.

`--name convolutional` and `--name transformer` train the held-out embedders, which have other backbones.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clay.networks.backbones import load_enlarged
from clay.networks.identity import IdentityEmbedder
from clay.networks.images import to_unit
from clay.networks.readout import Readout
from clay.people.dataset import TRAIN, Split, person
from clay.people.vectors import PERSON_SIZE, person_vector, person_weights
from clay.training.augment import augment
from clay.training.command import arguments, parse, run, training_images
from clay.training.loop import Plan

_SCALE, _MARGIN = 20.0, 0.2
_READOUT = 10.0  # weight of the readout
_SIMILARITY = 30.0  # weight of the similarity of people
_GROUP, _RANDOM = 8, 8  # similar people per group; people of a batch drawn independently

# Kind and widths of the three embedders. The first is for losses; the others are held out.
EMBEDDERS: dict[str, tuple[str, tuple[int, ...]]] = {
    "identity": ("residual", (32, 64, 96, 128)),
    "convolutional": ("plain", (24, 48, 96, 128)),
    "transformer": ("transformer", (24, 48, 96, 96)),
}


class LookAlikes:
    """Draws groups of similar people from a split."""

    def __init__(self, split: Split = TRAIN) -> None:
        people = [person(split.first + i) for i in range(split.identities)]
        hair = {name: i for i, name in enumerate(sorted({p.hair_style + p.hair_colour for p in people}))}
        self.hair = np.array([hair[p.hair_style + p.hair_colour] for p in people])
        self.skin = np.array([p.skin for p in people])

    def pick(self, count: int, rng: np.random.Generator) -> list[int]:
        """Indices of `count` different people, most of them in groups with the same hair and a similar skin tone."""
        chosen: dict[int, None] = {}
        while len(chosen) < count - _RANDOM:
            first = int(rng.integers(len(self.skin)))
            distance = np.abs(self.skin - self.skin[first]) + rng.uniform(0, 0.3, len(self.skin))
            distance[self.hair != self.hair[first]] = np.inf
            nearest = np.argsort(distance)[:_GROUP]
            chosen |= dict.fromkeys(int(i) for i in nearest if np.isfinite(distance[i]))
        while len(chosen) < count:
            chosen[int(rng.integers(len(self.skin)))] = None
        return list(chosen)[:count]


def margin_loss(embeddings: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """The classification loss, and the share of images nearest to their own person's mean; two scalars.

    Args:
        embeddings: (people, images, d), unit length.
        margin: subtracted from the similarity to the own person.
    """
    people, images, _ = embeddings.shape
    total = embeddings.sum(1)
    means = F.normalize(total)
    without_self = F.normalize(total[:, None] - embeddings, dim=-1)
    own = (embeddings * without_self).sum(-1).flatten() - margin
    similarity = embeddings.flatten(0, 1) @ means.T
    label = torch.arange(people, device=embeddings.device).repeat_interleave(images)
    logits = _SCALE * torch.where(F.one_hot(label, people).bool(), own[:, None], similarity)
    accuracy = (logits.argmax(1) == label).float().mean()
    return F.cross_entropy(logits, label), accuracy


def similarity_loss(embeddings: Tensor, people: Tensor) -> Tensor:
    """Mean squared difference between the cosines of embeddings (n, d) and those of people (n, k); a scalar."""
    similarity = F.normalize(people) @ F.normalize(people).T
    return F.mse_loss(embeddings @ embeddings.T, similarity)


class IdentityLoss:
    """The loss on a random batch.

    Args:
        images: (n, 3, h, w) uint8, those of the first people of `TRAIN`, in the order of its scenes.
        plan: its number of steps determines when batches of similar people begin.
        people: people per step.
        each: images of each person.
    """

    def __init__(self, images: Tensor, plan: Plan, people: int = 40, each: int = 3) -> None:
        self.images, self.plan, self.people, self.each = images, plan, people, each
        self.split = TRAIN.first_people(len(images) // TRAIN.views)
        self.look_alikes = LookAlikes(self.split)
        vectors = torch.tensor([person_vector(person(TRAIN.first + i)) for i in range(self.split.identities)])
        self.vectors = vectors.to(images.device)
        self.weighted = ((vectors - vectors.mean(0)) * torch.tensor(person_weights())).to(images.device)

    def _people(self, step: int, generator: torch.Generator) -> Tensor:
        if step < self.plan.steps // 4 or step % 2:
            return torch.randperm(self.split.identities, generator=generator, device=generator.device)[: self.people]
        rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator, device=generator.device)))
        return torch.tensor(self.look_alikes.pick(self.people, rng), device=generator.device)

    def __call__(self, network: Readout[IdentityEmbedder], step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of one step, its terms and the accuracy; see `LossFunction`."""
        chosen = self._people(step, generator)
        views = torch.rand(self.people, TRAIN.views, generator=generator, device=generator.device)
        views = views.argsort(1)[:, : self.each]
        shown = (chosen[:, None] * TRAIN.views + views).flatten()
        image = augment(to_unit(self.images[shown]), generator, covered=0.15)
        embeddings = network.network(image.contiguous(memory_format=torch.channels_last))
        margin = _MARGIN * min(1.0, step / 300)
        classification, accuracy = margin_loss(embeddings.view(self.people, self.each, -1), margin)
        owners = chosen.repeat_interleave(self.each)
        readout = network.loss(embeddings, self.vectors[owners])
        similarity = similarity_loss(embeddings, self.weighted[owners])
        loss = classification + _READOUT * readout + _SIMILARITY * similarity
        terms = {"classification": classification, "readout": readout, "similarity": similarity}
        return {"loss": loss, **terms, "accuracy": accuracy}


def main() -> None:
    """Train, and save the weights at every checkpoint."""
    parser = arguments("Train an identity embedder.", steps=1600, rate=1.5e-3, out="identity")
    parser.add_argument("--name", choices=tuple(EMBEDDERS), default="identity", help="which embedder; also set --out")
    parser.add_argument("--batch", type=int, default=40, help="people per step, with three images each")
    parser.add_argument("--size", type=int, default=64, help="side of the images in pixels")
    parser.add_argument(
        "--start", type=Path, help="folder of weights to start from, of this size or of 64; random weights if left out"
    )
    options = parse(parser)
    kind, channels = EMBEDDERS[options.name]
    model = IdentityEmbedder(channels, kind=kind, size=options.size)
    if options.start:
        load_enlarged(model, IdentityEmbedder.from_folder(options.start, "cpu", torch.float32).state_dict())
    network = Readout(model, int(model.config["dimension"]), PERSON_SIZE)
    network = network.to(options.device).to(memory_format=torch.channels_last)
    plan = Plan(options.steps, options.rate, warmup=60, decay=0.99, clip=5.0, seed=options.seed)
    losses = IdentityLoss(training_images(options), plan, options.batch)
    checkpoint = options.runs / f"{options.name}.pt"
    run(network, losses, plan, checkpoint, lambda average: average.network.save_folder(options.out))


if __name__ == "__main__":
    main()
