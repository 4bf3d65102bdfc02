"""The numbered scenes of the data set, and its splits.

Scene (i, j) is view j of identity i. Both are drawn from generators seeded with (seed, i) and (seed, i, j), so
that a picture's parameters follow from its number: the files hold pictures only. Train, validation and test
differ in their identities, never only in their views.
"""

from dataclasses import dataclass

import numpy as np

from clay.people.circumstances import Circumstances, sample_circumstances
from clay.people.traits import Person, sample_person

Scene = tuple[Person, Circumstances]
_SEED = 20242


@dataclass(frozen=True)
class Split:
    """A range of identities.

    Args:
        name: also the prefix of its files.
        first: number of the first identity.
        identities: how many people.
        views: pictures of each person.
    """

    name: str
    first: int
    identities: int
    views: int = 8

    def __len__(self) -> int:
        return self.identities * self.views

    def scenes(self) -> list[Scene]:
        """All scenes, the views of one person side by side."""
        return [scene(i, j) for i in range(self.first, self.first + self.identities) for j in range(self.views)]

    def owners(self) -> np.ndarray:
        """Number of the identity in each picture, (len,) int64."""
        return np.repeat(np.arange(self.first, self.first + self.identities), self.views)


TRAIN = Split("train", 0, 7500)
VALIDATION = Split("validation", 100_000, 300)
TEST = Split("test", 200_000, 300)
SPLITS = (VALIDATION, TEST, TRAIN)


def person(identity: int) -> Person:
    """The person of this number."""
    return sample_person(np.random.default_rng((_SEED, identity)))


def scene(identity: int, view: int) -> Scene:
    """The person of this number, and how they are seen in this view."""
    return person(identity), sample_circumstances(np.random.default_rng((_SEED, identity, view)))
