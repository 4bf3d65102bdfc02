"""Train an identity embedder: `python -m clay.training.identity`.

A batch holds a few pictures of each of some people. Every picture is compared with the mean embedding of each
person, its own left out of its person's mean, and must be nearer to its own person by a margin:

    loss = CE(20 [s_own - margin, s_others]),   s = cosine similarity

(prototypes after Snell et al. 2017, arXiv 1703.05175; additive margin after CosFace, Wang et al. 2018, arXiv
1801.09414). In half of the steps most of a batch are look-alikes: people with the same hair and a similar skin.
Beside that, pictures are to be as alike as the people on them are,

    30 mean (cos(e_i, e_j) - cos(p_i, p_j))^2 over all pairs of pictures,   p: a person's traits and choices, centred,

and the person's parameters are to be linear in the embedding (`people.numbers`). Without the first an embedder tells
people apart by hair, skin and beard, which are enough for most pairs; the model card measures what it changes.

`--name judge` and `--name jury` train the embedders that are kept for judging: other kinds of network.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.identity import IdentityEmbedder
from clay.networks.images import as_channels_first, to_unit
from clay.people.dataset import TRAIN, person
from clay.people.numbers import PERSON_NUMBERS, Readout, person_numbers, person_weights
from clay.rendering.dataset import load_pictures
from clay.training.augment import disturb
from clay.training.loop import Plan, arguments, train

_SCALE, _MARGIN = 20.0, 0.2
_READ = 10.0  # weight of the parameters read off the embedding
_ALIKE = 30.0  # weight of the cosines between people
_KIN, _RANDOM = 8, 8  # look-alikes taken together; people of a batch left to chance

# Kind and widths of the three embedders; the first is for losses, the others judge.
EMBEDDERS: dict[str, tuple[str, tuple[int, ...]]] = {
    "identity": ("residual", (32, 64, 96, 128)),
    "judge": ("plain", (24, 48, 96, 128)),
    "jury": ("transformer", (24, 48, 96, 96)),
}


class LookAlikes:
    """Finds people of the training split who look like one another."""

    def __init__(self) -> None:
        people = [person(TRAIN.first + i) for i in range(TRAIN.identities)]
        hair = {name: i for i, name in enumerate(sorted({p.hair_style + p.hair_colour for p in people}))}
        self.hair = np.array([hair[p.hair_style + p.hair_colour] for p in people])
        self.skin = np.array([p.skin for p in people])

    def pick(self, count: int, rng: np.random.Generator) -> list[int]:
        """`count` different people, most of them in groups that share hair and skin."""
        chosen: dict[int, None] = {}
        while len(chosen) < count - _RANDOM:
            seed = int(rng.integers(len(self.skin)))
            distance = np.abs(self.skin - self.skin[seed]) + rng.uniform(0, 0.3, len(self.skin))
            distance[self.hair != self.hair[seed]] = np.inf
            nearest = np.argsort(distance)[:_KIN]
            chosen |= dict.fromkeys(int(i) for i in nearest if np.isfinite(distance[i]))
        while len(chosen) < count:
            chosen[int(rng.integers(len(self.skin)))] = None
        return list(chosen)[:count]


def margin_loss(embeddings: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """Loss and share of pictures nearest to their own person; embeddings (people, pictures, d), unit length."""
    people, pictures, _ = embeddings.shape
    total = embeddings.sum(1)
    means = F.normalize(total)
    without_self = F.normalize(total[:, None] - embeddings, dim=-1)
    own = (embeddings * without_self).sum(-1).flatten() - margin
    similarity = embeddings.flatten(0, 1) @ means.T
    label = torch.arange(people, device=embeddings.device).repeat_interleave(pictures)
    logits = _SCALE * torch.where(F.one_hot(label, people).bool(), own[:, None], similarity)
    hits = (logits.argmax(1) == label).float().mean()
    return F.cross_entropy(logits, label), hits


def likeness_loss(embeddings: Tensor, people: Tensor) -> Tensor:
    """Mean squared difference of the cosines between pictures and those between the people on them, both (n, d)."""
    likeness = F.normalize(people) @ F.normalize(people).T
    return F.mse_loss(embeddings @ embeddings.T, likeness)


class IdentityLoss:
    """The losses of a random batch of `people` times `each` pictures."""

    def __init__(self, pictures: Tensor, plan: Plan, people: int = 40, each: int = 3) -> None:
        self.pictures, self.plan, self.people, self.each = pictures, plan, people, each
        self.look_alikes = LookAlikes()
        numbers = torch.tensor([person_numbers(person(TRAIN.first + i)) for i in range(TRAIN.identities)])
        self.numbers = numbers.to(pictures.device)
        self.positions = ((numbers - numbers.mean(0)) * torch.tensor(person_weights())).to(pictures.device)

    def _people(self, step: int, generator: torch.Generator) -> Tensor:
        if step < self.plan.steps // 4 or step % 2:
            return torch.randperm(TRAIN.identities, generator=generator, device=generator.device)[: self.people]
        rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator, device=generator.device)))
        return torch.tensor(self.look_alikes.pick(self.people, rng), device=generator.device)

    def __call__(self, network: nn.Module, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The named losses of one step."""
        assert isinstance(network, Readout)
        chosen = self._people(step, generator)
        views = torch.rand(self.people, TRAIN.views, generator=generator, device=generator.device)
        views = views.argsort(1)[:, : self.each]
        shown = (chosen[:, None] * TRAIN.views + views).flatten()
        image = disturb(to_unit(self.pictures[shown]), generator, covered=0.15)
        embeddings = network.network(image.contiguous(memory_format=torch.channels_last))
        margin = _MARGIN * min(1.0, step / 300)
        told, hits = margin_loss(embeddings.view(self.people, self.each, -1), margin)
        owners = chosen.repeat_interleave(self.each)
        read = network.loss(embeddings, self.numbers[owners])
        alike = likeness_loss(embeddings, self.positions[owners])
        loss = told + _READ * read + _ALIKE * alike
        return {"loss": loss, "told": told, "read": read, "alike": alike, "hits": hits}


def main() -> None:
    """Train, and write the weights at every checkpoint."""
    parser = arguments("Train an identity embedder.", steps=1600, out="identity")
    parser.add_argument("--name", choices=tuple(EMBEDDERS), default="identity", help="which embedder; set --out too")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="highest learning rate")
    parser.add_argument("--people", type=int, default=40, help="people a step, three pictures of each")
    parser.add_argument("--start", type=Path, help="folder of trained weights to begin with, instead of random ones")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    kind, channels = EMBEDDERS[options.name]
    model = IdentityEmbedder(channels, kind=kind)
    if options.start:
        model.load_state_dict(IdentityEmbedder.from_folder(options.start, "cpu", torch.float32).state_dict())
    network = Readout(model, int(model.config["dimension"]), PERSON_NUMBERS)
    network = network.to(options.device).to(memory_format=torch.channels_last)
    plan = Plan(options.steps, options.rate, warmup=60, decay=0.99, clip=5.0, seed=options.seed)
    pictures = as_channels_first(load_pictures(TRAIN, options.data)).to(options.device)
    losses = IdentityLoss(pictures, plan, options.people)
    for moment in train(network, losses, plan, options.runs / f"{options.name}.pt"):
        print(moment.line, flush=True)
        if moment.saved:
            assert isinstance(moment.average, Readout)
            kept = moment.average.network
            assert isinstance(kept, IdentityEmbedder)
            kept.save_folder(options.out)


if __name__ == "__main__":
    main()
