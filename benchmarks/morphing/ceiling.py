"""How many morphs can be accepted at most? `python -m benchmarks.morphing.ceiling`

Bounds for the pairs of `benchmarks.morphing`, evaluated like the morphs of `benchmarks.steering`: all three networks
must accept the image as both people at a false match rate of 0.1 %, compared with the images it was made from.

    mean traits    the face rendered from the means of both people's traits, a natural face; what has no mean (hair,
                   eyes, beard) is that of the first
    any choice     the same with every choice of hair, eyes and beard from either; it counts if one of these faces does
    free pixels    the pixels minimise eq. 5.1 of 2405.15020 for all three networks at once, without a diffusion model;
                   an upper bound for methods with one network in the loss
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.morphing.held_out import HeldOutPanel, People, as_saved
from benchmarks.morphing.pairs import Pair, choose_pairs, passport, passports
from clay.networks.images import as_channels_first, to_unit
from clay.people.dataset import TEST, person
from clay.people.person import CHOICES, TRAITS, Person
from clay.rendering.render import render_all
from clay.world import ClayWorld, load_world_of
from losses import Morph


def mean_person(first: Person, second: Person) -> Person:
    """The person with the mean traits and skin; hair, eyes and beard, which have no mean, are those of the first."""
    numbers = (*TRAITS, "skin")
    return replace(first, **{name: (getattr(first, name) + getattr(second, name)) / 2 for name in numbers})


def mean_people(first: Person, second: Person) -> list[Person]:
    """The mean person with every choice of hair, eyes and beard from either; the first is `mean_person`."""
    choices = [dict.fromkeys((getattr(first, name), getattr(second, name))) for name in CHOICES]
    mean = mean_person(first, second)
    return [replace(mean, **dict(zip(CHOICES, one, strict=True))) for one in itertools.product(*choices)]


def rendered(pair: Pair, size: int) -> Tensor:
    """Passport images of the mean people of a pair, (k, 3, size, size) in [-1, 1]."""
    people = mean_people(person(TEST.first + pair.first), person(TEST.first + pair.second))
    return to_unit(as_channels_first(render_all([(who, passport()) for who in people], size)))


def free_pixels(world: ClayWorld, people: People, updates: int, rate: float = 0.01) -> Tensor:
    """The mean of both images, optimised by Adam updates of its pixels, (b, 3, h, w)."""
    losses = [Morph(network, *people) for network in world.embedders.values()]
    image = ((people.first + people.second) / 2).requires_grad_()
    optimizer = torch.optim.Adam([image], lr=rate)
    for _ in range(updates):
        (image.grad,) = torch.autograd.grad(torch.stack([loss(image) for loss in losses]).sum(), image)
        optimizer.step()
    return image.detach()


def accepted(world: ClayWorld, people: People, image: Tensor) -> Tensor:
    """Whether each network accepts images (b, 3, h, w) as both people, (networks, b)."""
    margins = HeldOutPanel(world, people).margins(as_saved(image))
    return torch.stack([margin.amin(1) > 0 for margin in margins.values()])


def table(world: ClayWorld, pairs: Sequence[Pair], images: Tensor, updates: int) -> Iterator[str]:
    """Markdown, one line for each bound; `images` are passport images of all people, (n, 3, size, size)."""
    people = People(images[[pair.first for pair in pairs]], images[[pair.second for pair in pairs]])
    natural = [
        accepted(world, People(people.first[[k]], people.second[[k]]), rendered(pair, images.shape[-1]))
        for k, pair in enumerate(pairs)
    ]
    bounds = {
        "pixel average": accepted(world, people, (people.first + people.second) / 2),
        "mean traits, rendered": torch.stack([found[:, 0] for found in natural], dim=1),
        "mean traits, any choice": torch.stack([found[:, found.sum(0).argmax()] for found in natural], dim=1),
        f"free pixels, {updates} updates, all three networks in the loss": accepted(
            world, people, free_pixels(world, people, updates)
        ),
    }
    names = list(world.embedders)
    yield f"| {len(pairs)} pairs, accepted as both by | {' | '.join(names)} | all |"
    yield "|---|" + "---|" * (len(names) + 1)
    for title, found in bounds.items():
        yield f"| {title} | {' | '.join(str(int(n)) for n in (*found.sum(1), found.all(0).sum()))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=50, help="number of pairs")
    parser.add_argument("--updates", type=int, default=200, help="updates of the free pixels")
    parser.add_argument("--size", type=int, choices=(64, 128), default=64, help="of the images")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    world, everybody = load_world_of(options.size), range(TEST.identities)
    pairs = choose_pairs(world, passports(everybody))[: options.pairs]
    print(*table(world, pairs, passports(everybody, options.size), options.updates), sep="\n")


if __name__ == "__main__":
    main()
