"""The pairs to morph: similar test people in passport images.

As in SYN-MAD 2022 (2208.07337), the pairs are similar for a face network: pairs in order of similarity for the network
in the loss, without those that a network accepts as one person (at a false match rate of 1 %).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from clay.networks.images import as_channels_first, to_unit
from clay.people.dataset import TEST, person
from clay.people.view import View
from clay.rendering.render import render_all
from clay.world import ClayWorld

PAIRS, USES = 200, 2
_SEED = 5202
_PASSPORT = View(background="white", clothes="blue")


@dataclass(frozen=True)
class Pair:
    """Two people, by index in the test split, and the cosine of their passport images for the network in the loss."""

    number: int
    first: int
    second: int
    similarity: float


def passport() -> View:
    """The view of a passport image: frontal, neutral, no hat or glasses, white background."""
    return _PASSPORT


def other_picture(who: int) -> View:
    """Another view of person `who`: slightly different pose and light."""
    rng = np.random.default_rng((_SEED, who))
    yaw, pitch, roll = (float(np.clip(rng.normal(0, spread), -2 * spread, 2 * spread)) for spread in (0.06, 0.03, 0.02))
    azimuth, elevation = float(rng.uniform(-0.8, 0.4)), float(rng.uniform(0.4, 0.8))
    return replace(_PASSPORT, yaw=yaw, pitch=pitch, roll=roll, light_azimuth=azimuth, light_elevation=elevation)


def passports(people: Iterable[int], size: int = 64) -> Tensor:
    """The images that morphs are made from, (n, 3, size, size) in [-1, 1]."""
    return _pictures([(who, passport()) for who in people], size)


def other_pictures(people: Iterable[int], size: int = 64) -> Tensor:
    """The images that morphs are compared with, (n, 3, size, size) in [-1, 1]."""
    return _pictures([(who, other_picture(who)) for who in people], size)


def _pictures(views: list[tuple[int, View]], size: int) -> Tensor:
    return to_unit(as_channels_first(render_all([(person(TEST.first + who), view) for who, view in views], size)))


@torch.no_grad()
def choose_pairs(world: ClayWorld, images: Tensor, count: int = PAIRS) -> list[Pair]:
    """The pairs among the people of passport images (n, 3, 64, 64), in random order with a fixed seed."""
    networks = world.embedders
    similarity = {name: _cosines(network(images)) for name, network in networks.items()}
    limits = {name: network.thresholds["fmr_1_percent"] for name, network in networks.items()}
    found = look_alikes(similarity, limits, count)
    order = np.random.default_rng(_SEED).permutation(len(found))
    return [Pair(number, *found[k]) for number, k in enumerate(order)]


def look_alikes(
    similarity: Mapping[str, Tensor], limits: Mapping[str, float], count: int, uses: int = USES
) -> list[tuple[int, int, float]]:
    """Pairs (i, j, similarity), the most similar first.

    Args:
        similarity: by network, cosines (n, n); the first network is that in the loss and determines the order.
        limits: by network, the cosine from which it accepts two images as one person.
        count: largest number of pairs.
        uses: largest number of pairs with the same person.
    """
    alike = next(iter(similarity.values()))
    apart = torch.ones_like(alike, dtype=torch.bool).triu(1)
    for name, cosines in similarity.items():
        apart &= cosines < limits[name]
    used: Counter[int] = Counter()
    chosen: list[tuple[int, int, float]] = []
    candidates = apart.nonzero()
    for k in alike[apart].argsort(descending=True).tolist():
        i, j = candidates[k].tolist()
        if len(chosen) < count and max(used[i], used[j]) < uses:
            chosen.append((i, j, float(alike[i, j])))
            used.update((i, j))
    return chosen


def _cosines(v: Tensor) -> Tensor:
    v = torch.nn.functional.normalize(v, dim=1)
    return v @ v.T
