import dataclasses

import numpy as np
import pytest

from clay.people.person import CHOICES, TRAITS, Person, sample_person


def test_the_same_seed_gives_the_same_person():
    assert sample_person(np.random.default_rng(3)) == sample_person(np.random.default_rng(3))


def test_every_choice_and_the_whole_range_of_skin_are_sampled():
    rng = np.random.default_rng(0)
    people = [sample_person(rng) for _ in range(600)]
    for name, choices in CHOICES.items():
        counts = [sum(getattr(p, name) == choice for p in people) for choice in choices]
        assert min(counts) > 12, name
    assert {p.skin_tone for p in people} == {"fair", "tan", "brown", "dark"}
    assert all(-1 <= getattr(p, trait) <= 1 for p in people for trait in TRAITS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hair_style": "mullet"}, "hair_style must be one of bald"),
        ({"skin": 7.0}, "skin must lie between 0 and 5, but is 7.0"),
        ({"nose_length": 2.0}, "nose_length must lie between -1 and 1, but is 2.0"),
    ],
)
def test_parameters_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(Person(), **change)
