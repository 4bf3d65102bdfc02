"""How many morphs could be accepted at all? `python -m benchmarks.morphing.ceiling`

Two bounds for the pairs of `benchmarks.morphing`, judged as `benchmarks.steering` judges the page's morphs: all three
networks must take the picture for both people, at a false match rate of 0.1 %, beside the pictures it was made from.

    people half-way    the face rendered from the means of both people's traits: as natural as a morph can be
    free pixels        no diffusion model, and no judge unseen: the pixels themselves minimise eq. 5.1 of 2405.15020 for
                       all three networks at once. What this does not reach, nobody who sees one of them will
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.morphing.held_out import HeldOutPanel, People, as_saved
from benchmarks.morphing.pairs import Pair, choose_pairs, passport, passports
from clay.networks.images import as_channels_first, to_unit
from clay.people.dataset import TEST, person
from clay.people.person import TRAITS, Person
from clay.rendering.render import render_all
from clay.world import ClayWorld, load_world
from losses import Morph


def half_way(first: Person, second: Person) -> Person:
    """The mean of all that is a number; hair, eyes and beard, which have no mean, are the first person's."""
    numbers = (*TRAITS, "skin")
    return replace(first, **{name: (getattr(first, name) + getattr(second, name)) / 2 for name in numbers})


def rendered(pairs: Sequence[Pair]) -> Tensor:
    """(b, 3, 64, 64): the people half-way, in passport pictures."""
    people = [half_way(person(TEST.first + pair.first), person(TEST.first + pair.second)) for pair in pairs]
    return to_unit(as_channels_first(render_all([(who, passport()) for who in people])))


def freed(world: ClayWorld, people: People, updates: int, rate: float = 0.01) -> Tensor:
    """(b, 3, h, w): the mean of both pictures after updates of its pixels by Adam."""
    losses = [Morph(network, *people) for network in world.embedders.values()]
    image = ((people.first + people.second) / 2).requires_grad_()
    optimizer = torch.optim.Adam([image], lr=rate)
    for _ in range(updates):
        (image.grad,) = torch.autograd.grad(torch.stack([loss(image) for loss in losses]).sum(), image)
        optimizer.step()
    return image.detach()


def table(world: ClayWorld, pairs: Sequence[Pair], images: Tensor, updates: int) -> Iterator[str]:
    """Markdown, one line a bound."""
    people = People(images[[pair.first for pair in pairs]], images[[pair.second for pair in pairs]])
    panel, names = HeldOutPanel(world, people), list(world.embedders)
    made = {
        "pixel average": (people.first + people.second) / 2,
        "people half-way": rendered(pairs),
        f"free pixels, {updates} updates, all three networks seen": freed(world, people, updates),
    }
    yield f"| {len(pairs)} pairs, accepted as both by | {' | '.join(names)} | all |"
    yield "|---|" + "---|" * (len(names) + 1)
    for title, image in made.items():
        fooled = [margin.amin(1) > 0 for margin in panel.margins(as_saved(image)).values()]
        counts = [int(found.sum()) for found in (*fooled, torch.stack(fooled).all(0))]
        yield f"| {title} | {' | '.join(map(str, counts))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=50, help="the first so many of the fixed pairs")
    parser.add_argument("--updates", type=int, default=200, help="of the free pixels")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    world, images = load_world(), passports(range(TEST.identities))
    print(*table(world, choose_pairs(world, images)[: options.pairs], images, options.updates), sep="\n")


if __name__ == "__main__":
    main()
