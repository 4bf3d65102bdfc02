import numpy as np
import pytest

from clay.people.person import Person
from clay.people.view import View
from clay.rendering.parts import BACKGROUND, EYES, HAIR, JAW, MOUTH, NOSE, render_parts
from clay.rendering.render import render

pytestmark = pytest.mark.slow  # the renderer is compiled once, which takes a quarter of a minute


def test_the_background_is_where_its_colour_changes_the_image():
    person = Person()
    blue, orange = (render(person, View(background=c), 64, samples=1).astype(int) for c in ("blue", "orange"))
    change = np.abs(blue - orange).max(2)
    assert np.mean((render_parts(person, View(), 64) == BACKGROUND) == (change > 0.8 * change.max())) > 0.95


def test_hair_is_above_eyes_above_nose_above_mouth_above_jaw():
    parts = render_parts(Person(hair_style="short"), View(), 64)
    rows = [np.nonzero(parts == part)[0].mean() for part in (HAIR, EYES, NOSE, MOUTH, JAW)]
    assert rows == sorted(rows)


def test_a_beard_and_glasses_change_no_part_but_their_own():
    plain = render_parts(Person(), View(), 64)
    dressed = render_parts(Person(facial_hair="beard"), View(glasses="sunglasses"), 64)
    changed = plain != dressed
    assert changed.mean() < 0.08
    assert np.isin(dressed[changed], (EYES, JAW)).mean() > 0.8


def test_a_bald_head_has_hair_where_it_would_grow():
    assert (render_parts(Person(hair_style="bald"), View(), 64) == HAIR).mean() > 0.02


def test_sizes_that_do_not_divide_into_tiles_are_refused():
    with pytest.raises(ValueError, match="must be a positive multiple of 8"):
        render_parts(Person(), View(), 10)
