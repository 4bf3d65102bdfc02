import dataclasses

import numpy as np
import pytest

from clay.people.person import Person
from clay.people.view import SEGMENTS, View
from clay.rendering.paint import BACKGROUND, paint
from clay.rendering.render import render, render_all
from clay.rendering.segments import segments
from clay.training.likeness_set import eye_centres

pytestmark = pytest.mark.slow  # the renderer is compiled once, which takes a quarter of a minute


def test_the_same_scene_gives_the_same_image_on_any_number_of_threads():
    scenes = [(Person(skin=float(skin)), View()) for skin in range(4)]
    assert np.array_equal(render_all(scenes, 32, 1, threads=1), render_all(scenes, 32, 1, threads=2))


def test_the_view_changes_the_image_but_not_the_colour_of_the_skin():
    person = Person(skin=0.0, hair_style="bald")
    left, right = (render(person, View(yaw=yaw), 32) for yaw in (-0.5, 0.5))
    assert np.abs(left.astype(int) - right).mean() > 3
    cheek = [image[18:22, 13:19].mean((0, 1)) for image in (left, right)]
    assert all(red > green > blue for red, green, blue in cheek)


@pytest.mark.parametrize(
    ("worn", "rows"),
    [({"hat": True}, slice(0, 12)), ({"glasses": "sunglasses"}, slice(10, 20))],
)
def test_a_hat_and_glasses_change_the_part_of_the_image_where_they_are(worn, rows):
    plain, dressed = (render(Person(), view, 32).astype(int) for view in (View(), View(**worn)))
    change = np.abs(plain - dressed).sum(2)
    assert change[rows].sum() > 0.8 * change.sum() > 0


def test_hair_colour_changes_only_hair_and_brows():
    brown, blonde = (render(Person(hair_colour=c), View(), 64).astype(int) for c in ("brown", "blonde"))
    change = np.abs(brown - blonde).sum(2)
    assert change[:38].sum() > 0.99 * change.sum()


def test_the_background_fills_the_corners():
    image = render(dataclasses.replace(Person(), hair_style="bald"), View(background="blue"), 32)
    assert image[0, 0].argmax() == 2


@pytest.mark.parametrize(("size", "samples"), [(0, 1), (10, 1), (64, 0)])
def test_sizes_that_do_not_divide_into_tiles_are_refused(size, samples):
    with pytest.raises(ValueError, match="must be a positive multiple of 8"):
        render(Person(), View(), size, samples)


def test_a_table_of_colours_replaces_that_of_the_scene():
    person, view = Person(), View()
    green = paint(person, view)
    green[BACKGROUND] = (0.0, 1.0, 0.0)
    corner = render(person, view, 64, colours=green)[2, 2]
    assert corner[1] > 150
    assert corner[0] == corner[2] == 0


def test_points_are_projected_to_where_the_image_shows_them():
    centres = eye_centres(Person(), View(), 64)
    marks = segments(Person(), View(), 64)
    rows, columns = np.nonzero(marks == SEGMENTS.index("eyes"))
    left = columns < 32
    assert centres[0] == pytest.approx((columns[left].mean(), rows[left].mean()), abs=1.5)
    assert centres[1] == pytest.approx((columns[~left].mean(), rows[~left].mean()), abs=1.5)
