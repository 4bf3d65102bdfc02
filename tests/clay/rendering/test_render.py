import dataclasses

import numpy as np
import pytest

from clay.people.circumstances import Circumstances
from clay.people.traits import Person
from clay.rendering.render import render, render_all

pytestmark = pytest.mark.slow  # the renderer is compiled once, which takes a quarter of a minute


def test_the_same_scene_gives_the_same_picture_on_any_number_of_threads():
    scenes = [(Person(skin=float(skin)), Circumstances()) for skin in range(4)]
    assert np.array_equal(render_all(scenes, 32, 1, threads=1), render_all(scenes, 32, 1, threads=2))


def test_circumstances_change_the_picture_but_skin_stays_skin():
    person = Person(skin=0.0, hair_style="bald")
    left, right = (render(person, Circumstances(yaw=yaw), 32) for yaw in (-0.5, 0.5))
    assert np.abs(left.astype(int) - right).mean() > 3
    cheek = [picture[18:22, 13:19].mean((0, 1)) for picture in (left, right)]
    assert all(red > green > blue for red, green, blue in cheek)


@pytest.mark.parametrize(
    ("worn", "rows"),
    [({"hat": True}, slice(0, 12)), ({"glasses": "sunglasses"}, slice(10, 20))],
)
def test_what_is_worn_shows_where_it_is_worn(worn, rows):
    plain, dressed = (render(Person(), seen, 32).astype(int) for seen in (Circumstances(), Circumstances(**worn)))
    change = np.abs(plain - dressed).sum(2)
    assert change[rows].sum() > 0.8 * change.sum() > 0


def test_hair_colour_changes_only_hair_and_brows():
    brown, blonde = (render(Person(hair_colour=c), Circumstances(), 64).astype(int) for c in ("brown", "blonde"))
    change = np.abs(brown - blonde).sum(2)
    assert change[:38].sum() > 0.99 * change.sum()


def test_the_background_fills_the_corners():
    picture = render(dataclasses.replace(Person(), hair_style="bald"), Circumstances(background="blue"), 32)
    assert picture[0, 0].argmax() == 2


@pytest.mark.parametrize(("size", "samples"), [(0, 1), (10, 1), (64, 0)])
def test_sizes_that_do_not_divide_into_tiles_are_refused(size, samples):
    with pytest.raises(ValueError, match="must be a positive multiple of 8"):
        render(Person(), Circumstances(), size, samples)
