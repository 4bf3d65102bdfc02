"""The numbered scenes of the data set, and its splits.

Scene (i, j) is view j of identity i. Identity and view are drawn from generators seeded with (seed, i) and
(seed, i, j), so the number of an image determines its parameters, and the files hold images only. Train, validation
and test sets share no identity.
"""

from dataclasses import dataclass, replace

import numpy as np

from clay.people.person import Person, sample_person
from clay.people.view import View, sample_view

Scene = tuple[Person, View]
_SEED = 20242


@dataclass(frozen=True)
class Split:
    """A range of identities.

    Args:
        name: name of the split, and the prefix of its files.
        first: number of the first identity.
        identities: number of people.
        views: images of each person.
    """

    name: str
    first: int
    identities: int
    views: int = 8

    def __len__(self) -> int:
        return self.identities * self.views

    def scenes(self) -> list[Scene]:
        """All scenes, ordered by identity, then by view."""
        return [scene(i, j) for i in range(self.first, self.first + self.identities) for j in range(self.views)]

    def first_people(self, count: int | None) -> "Split":
        """The split with its first `count` people; all of them if None."""
        return self if count is None else replace(self, identities=min(count, self.identities))

    def owners(self) -> np.ndarray:
        """The identity of each image, (len,) int64, in the order of `scenes`."""
        return np.repeat(np.arange(self.first, self.first + self.identities), self.views)


TRAIN = Split("train", 0, 7500)
VALIDATION = Split("validation", 100_000, 300)
TEST = Split("test", 200_000, 300)
SPLITS = (VALIDATION, TEST, TRAIN)


def person(identity: int) -> Person:
    """The person with this number."""
    return sample_person(np.random.default_rng((_SEED, identity)))


def scene(identity: int, view: int) -> Scene:
    """The person with this number, and the view with this number of that person."""
    return person(identity), sample_view(np.random.default_rng((_SEED, identity, view)))
