import pytest

from benchmarks.morphing import ceiling
from benchmarks.morphing.held_out import HeldOutPanel, People
from benchmarks.morphing.pairs import Pair, passports
from clay.people.person import Person
from clay.world import load_world


@pytest.fixture(scope="module")
def world():
    return load_world()


def test_the_mean_person_has_the_mean_traits():
    first, second = Person(chin=-0.5, skin=1.0, hair_style="bob"), Person(chin=1.0, skin=4.0, hair_style="afro")
    found = ceiling.mean_person(first, second)
    assert (found.chin, found.skin, found.hair_style) == (0.25, 2.5, "bob")
    assert ceiling.mean_person(first, first) == first


def test_what_has_no_mean_is_that_of_either():
    first, second = Person(chin=-0.5, hair_style="bob"), Person(chin=1.0, hair_style="afro", eye_colour="green")
    found = ceiling.mean_people(first, second)
    assert found[0] == ceiling.mean_person(first, second)
    assert {(one.hair_style, one.eye_colour) for one in found} == {
        (style, eyes) for style in ("bob", "afro") for eyes in (first.eye_colour, "green")
    }
    assert all(one.chin == 0.25 for one in found)
    assert len(found) == 4


@pytest.mark.slow
def test_free_pixels_increase_the_margins_at_every_network(world):
    images = passports(range(4))
    people = People(images[:2], images[2:])
    panel = HeldOutPanel(world, people)
    before = panel.margins((people.first + people.second) / 2)
    after = panel.margins(ceiling.free_pixels(world, people, updates=8))
    assert set(after) == {"identity", "convolutional", "transformer"}
    for name, margins in after.items():
        assert (margins.amin(1) > before[name].amin(1)).all()


@pytest.mark.slow
def test_the_table_counts_pairs_and_networks(world):
    images = passports(range(3))
    same = Pair(0, 1, 1, 1.0)
    lines = list(ceiling.table(world, [same, Pair(1, 0, 2, 0.0)], images, updates=0))
    assert lines[0].startswith("| 2 pairs")
    average, natural, any_choice, free = (line.strip("| ").split(" | ") for line in lines[2:])
    # every network accepts the mean of an image with itself
    assert all(int(count) >= 1 for count in average[1:] + natural[1:])
    assert int(any_choice[-1]) >= int(natural[-1])
    assert average[1:] == free[1:]
