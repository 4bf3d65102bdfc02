import numpy as np
import pytest

from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.changes import CHANGES, changed
from clay.people.dataset import TRAIN, scene


@pytest.mark.parametrize("name", CHANGES)
def test_one_parameter_changes_and_the_others_stay(name):
    rng = np.random.default_rng(0)
    for i in range(20):
        before = scene(TRAIN.first + i, 0)
        after = changed(before, name, rng)
        assert after != before
        for attribute, was, now in zip(ATTRIBUTES, true_classes(*before), true_classes(*after), strict=True):
            if attribute != name:
                # a hat or a bald head hides other attributes
                assert now == was or HIDDEN in (now, was)


def test_every_other_value_occurs():
    rng, before = np.random.default_rng(0), scene(TRAIN.first, 0)
    found = {changed(before, "hair_colour", rng)[0].hair_colour for _ in range(100)}
    assert found == set(ATTRIBUTES["hair_colour"]) - {before[0].hair_colour}
