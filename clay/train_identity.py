"""Train an identity embedder: `python -m clay.train_identity`.

A batch holds a few pictures of each of some people. Every picture is compared with the mean embedding of each
person, its own left out of its person's mean, and must be nearer to its own person by a margin:

    loss = CE(16 [s_own - margin, s_others]),   s = cosine similarity

(prototypes after Snell et al. 2017, arXiv 1703.05175; additive margin after CosFace, Wang et al. 2018, arXiv
1801.09414). In the second half most of a batch are look-alikes: people with the same hair and a similar skin.

`--judge` trains the second embedder, of other width and seed, that is kept for judging.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.augment import disturb
from clay.data import TRAIN, load_pictures, person
from clay.identity import IdentityEmbedder
from clay.pictures import as_channels_first, to_unit
from clay.training import Plan, arguments, train

_SCALE, _MARGIN = 16.0, 0.15
_KIN, _RANDOM = 8, 8  # look-alikes taken together; people of a batch left to chance
_JUDGE_CHANNELS = (16, 40, 80, 160)


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
    label = torch.arange(people).repeat_interleave(pictures)
    logits = _SCALE * torch.where(F.one_hot(label, people).bool(), own[:, None], similarity)
    hits = (logits.argmax(1) == label).float().mean()
    return F.cross_entropy(logits, label), hits


class IdentityLoss:
    """The margin loss on a random batch of `people` times `each` pictures."""

    def __init__(self, pictures: Tensor, plan: Plan, people: int = 40, each: int = 3) -> None:
        self.pictures, self.plan, self.people, self.each = pictures, plan, people, each
        self.look_alikes = LookAlikes()

    def _choose(self, step: int, generator: torch.Generator) -> Tensor:
        if step < self.plan.steps // 2:
            chosen = torch.randperm(TRAIN.identities, generator=generator)[: self.people]
        else:
            rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
            chosen = torch.tensor(self.look_alikes.pick(self.people, rng))
        views = torch.rand(self.people, TRAIN.views, generator=generator).argsort(1)[:, : self.each]
        return (chosen[:, None] * TRAIN.views + views).flatten()

    def __call__(self, network: nn.Module, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        """The named losses of one step."""
        image = disturb(to_unit(self.pictures[self._choose(step, generator)]), generator, covered=0.15)
        embeddings = network(image.contiguous(memory_format=torch.channels_last))
        margin = _MARGIN * min(1.0, step / 300)
        loss, hits = margin_loss(embeddings.view(self.people, self.each, -1), margin)
        return {"loss": loss, "hits": hits}


def main() -> None:
    """Train, and write the weights at every checkpoint."""
    parser = arguments("Train an identity embedder.", steps=1600, out="identity")
    parser.add_argument("--judge", action="store_true", help="train the judge instead; set --out and --seed too")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="highest learning rate")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    model = IdentityEmbedder(_JUDGE_CHANNELS) if options.judge else IdentityEmbedder()
    model = model.to(memory_format=torch.channels_last)
    plan = Plan(options.steps, options.rate, warmup=60, decay=0.99, clip=5.0, seed=options.seed)
    losses = IdentityLoss(as_channels_first(load_pictures(TRAIN, options.data)), plan)
    for moment in train(model, losses, plan, options.runs / ("judge.pt" if options.judge else "identity.pt")):
        print(moment.line, flush=True)
        if moment.saved:
            assert isinstance(moment.average, IdentityEmbedder)
            moment.average.save_folder(options.out)


if __name__ == "__main__":
    main()
