"""How many morphs can be accepted at most? `python -m benchmarks.morphing.ceiling`

Bounds for the pairs of `benchmarks.morphing`, evaluated like the morphs of `benchmarks.steering`: all three networks
must accept the image as both people at a false match rate of 0.1 %, compared with the images it was made from.

    mean traits    the face rendered from the means of both people's traits, a natural face
    free pixels    the pixels minimise eq. 5.1 of 2405.15020 for all three networks at once, without a diffusion model;
                   an upper bound for methods with one network in the loss
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


def mean_person(first: Person, second: Person) -> Person:
    """The person with the mean traits and skin; hair, eyes and beard, which have no mean, are those of the first."""
    numbers = (*TRAITS, "skin")
    return replace(first, **{name: (getattr(first, name) + getattr(second, name)) / 2 for name in numbers})


def rendered(pairs: Sequence[Pair]) -> Tensor:
    """Passport images of the mean people of pairs, (b, 3, 64, 64) in [-1, 1]."""
    people = [mean_person(person(TEST.first + pair.first), person(TEST.first + pair.second)) for pair in pairs]
    return to_unit(as_channels_first(render_all([(who, passport()) for who in people])))


def free_pixels(world: ClayWorld, people: People, updates: int, rate: float = 0.01) -> Tensor:
    """The mean of both images, optimised by Adam updates of its pixels, (b, 3, h, w)."""
    losses = [Morph(network, *people) for network in world.embedders.values()]
    image = ((people.first + people.second) / 2).requires_grad_()
    optimizer = torch.optim.Adam([image], lr=rate)
    for _ in range(updates):
        (image.grad,) = torch.autograd.grad(torch.stack([loss(image) for loss in losses]).sum(), image)
        optimizer.step()
    return image.detach()


def table(world: ClayWorld, pairs: Sequence[Pair], images: Tensor, updates: int) -> Iterator[str]:
    """Markdown, one line for each bound."""
    people = People(images[[pair.first for pair in pairs]], images[[pair.second for pair in pairs]])
    panel, names = HeldOutPanel(world, people), list(world.embedders)
    bounds = {
        "pixel average": (people.first + people.second) / 2,
        "mean traits, rendered": rendered(pairs),
        f"free pixels, {updates} updates, all three networks in the loss": free_pixels(world, people, updates),
    }
    yield f"| {len(pairs)} pairs, accepted as both by | {' | '.join(names)} | all |"
    yield "|---|" + "---|" * (len(names) + 1)
    for title, image in bounds.items():
        accepted = [margin.amin(1) > 0 for margin in panel.margins(as_saved(image)).values()]
        counts = [int(found.sum()) for found in (*accepted, torch.stack(accepted).all(0))]
        yield f"| {title} | {' | '.join(map(str, counts))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=50, help="number of pairs")
    parser.add_argument("--updates", type=int, default=200, help="updates of the free pixels")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    world, images = load_world(), passports(range(TEST.identities))
    print(*table(world, choose_pairs(world, images)[: options.pairs], images, options.updates), sep="\n")


if __name__ == "__main__":
    main()
