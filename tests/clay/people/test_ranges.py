import math

import pytest

from clay.people.dataset import scene
from clay.people.person import Person
from clay.people.ranges import NUMBERS, OPTIONS, scene_of_values, values_of
from clay.people.view import View


def test_a_scene_equals_the_scene_of_its_values():
    for number in range(20):
        person, view = scene(number, 1)
        again = scene_of_values(values_of((person, view)))
        assert again == (person, view)


def test_every_value_of_a_scene_is_a_number_a_choice_or_the_hat():
    assert set(values_of((Person(), View()))) == {*NUMBERS, *OPTIONS, "hat"}


def test_numbers_are_moved_into_their_ranges():
    person, view = scene_of_values({"skin": 9, "yaw": -3})
    assert (person.skin, view.yaw) == (5.0, -0.6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hair_style": "braids"}, "hair_style must be one of bald"),
        ({"skin": math.nan}, "skin must be a number, but is nan"),
        ({"skin": "dark"}, "skin must be a number"),
        ({"wig": 1}, "'wig' is no value of a scene: use head_width"),
    ],
)
def test_other_values_are_refused_by_name(values, message):
    with pytest.raises(ValueError, match=message):
        scene_of_values(values)
