import numpy as np
import pytest

from clay.people.person import Person
from clay.people.view import SEGMENTS, View
from clay.rendering.segments import segments

pytestmark = pytest.mark.slow  # the renderer is compiled once, which takes a quarter of a minute


def shares(person, view):
    marks = segments(person, view, 64)
    return {name: (marks == k).mean() for k, name in enumerate(SEGMENTS)}


def test_each_part_is_marked_where_the_scene_has_it_and_nowhere_else():
    plain = shares(Person(hair_style="bald"), View())
    assert plain["skin"] > 0.15
    assert plain["background"] > 0.4
    assert plain["hair"] == plain["hat"] == plain["frames"] == plain["lenses"] == plain["beard"] == 0
    worn = shares(Person(hair_style="long", facial_hair="beard"), View(hat=True, glasses="sunglasses"))
    assert min(worn[name] for name in ("hair", "hat", "frames", "lenses", "beard")) > 0.01


def test_the_upper_half_of_a_hat_lies_above_the_eyes():
    marks = segments(Person(), View(hat=True), 64)
    rows = np.nonzero(marks == SEGMENTS.index("hat"))[0]
    assert rows.mean() < np.nonzero(marks == SEGMENTS.index("eyes"))[0].mean()


def test_a_size_that_is_no_multiple_of_eight_is_refused():
    with pytest.raises(ValueError, match="size must be a positive multiple of 8, but is 60"):
        segments(Person(), View(), 60)
