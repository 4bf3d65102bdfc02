"""Who is morphed: look-alikes among people no network was trained on, seen as in a passport picture.

SYN-MAD 2022 (2208.07337) pairs people whom a face network finds alike. So here: pairs in the order of the loss's own
network's similarity, of those that no network takes for one person already (at a false match rate of 1 %).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from clay.networks.images import as_channels_first, to_unit
from clay.people.view import View
from clay.people.dataset import TEST, person
from clay.rendering.render import render_all
from clay.world import ClayWorld

PAIRS, USES = 200, 2
_SEED = 5202
_PASSPORT = View(background="white", clothes="blue")


@dataclass(frozen=True)
class Pair:
    """Two people, by their place in the split, and how alike the loss's network finds their passport pictures."""

    number: int
    first: int
    second: int
    similarity: float


def passport() -> View:
    """Frontal, neutral, bare-headed, before a plain wall."""
    return _PASSPORT


def other_picture(who: int) -> View:
    """The same wall on another day: head and light have moved a little."""
    rng = np.random.default_rng((_SEED, who))
    yaw, pitch, roll = (float(np.clip(rng.normal(0, spread), -2 * spread, 2 * spread)) for spread in (0.06, 0.03, 0.02))
    azimuth, elevation = float(rng.uniform(-0.8, 0.4)), float(rng.uniform(0.4, 0.8))
    return replace(_PASSPORT, yaw=yaw, pitch=pitch, roll=roll, light_azimuth=azimuth, light_elevation=elevation)


def passports(people: Iterable[int]) -> Tensor:
    """(n, 3, 64, 64) in [-1, 1]: the pictures that morphs are made of."""
    return _pictures([(who, passport()) for who in people])


def other_pictures(people: Iterable[int]) -> Tensor:
    """(n, 3, 64, 64) in [-1, 1]: those that morphs are judged against."""
    return _pictures([(who, other_picture(who)) for who in people])


def _pictures(seen: list[tuple[int, View]]) -> Tensor:
    return to_unit(as_channels_first(render_all([(person(TEST.first + who), how) for who, how in seen])))


@torch.no_grad()
def choose_pairs(world: ClayWorld, images: Tensor, count: int = PAIRS) -> list[Pair]:
    """The fixed pairs among the people on `images`, in an order that has nothing to do with how alike they are."""
    networks = world.embedders
    similarity = {name: _cosines(network(images)) for name, network in networks.items()}
    limits = {name: network.thresholds["fmr_1_percent"] for name, network in networks.items()}
    found = look_alikes(similarity, limits, count)
    order = np.random.default_rng(_SEED).permutation(len(found))
    return [Pair(number, *found[k]) for number, k in enumerate(order)]


def look_alikes(
    similarity: Mapping[str, Tensor], limits: Mapping[str, float], count: int, uses: int = USES
) -> list[tuple[int, int, float]]:
    """Pairs (i, j, similarity), most alike first.

    Args:
        similarity: by network, (n, n) cosines; the first network is the loss's, whose order counts.
        limits: by network, the cosine from which it takes two pictures for one person.
        count: at most so many pairs.
        uses: at most so many of them with the same person.
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
