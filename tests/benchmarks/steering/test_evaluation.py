from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks.steering.edits import Edit
from benchmarks.steering.evaluation import background_of, strip
from clay.people.person import Person
from clay.people.view import View
from clay.rendering.render import render_all


def test_an_edit_is_applied_to_the_person_or_to_the_view():
    person, view = Person(hair_colour="brown"), View()
    assert Edit("", "hair_colour", "red").applied(person, view) == (replace(person, hair_colour="red"), view)
    assert Edit("", "hat", "hat").applied(person, view) == (person, replace(view, hat=True))
    assert Edit("", "glasses", "glasses").applied(person, view) == (person, replace(view, glasses="glasses"))


@pytest.mark.parametrize("background", ["blue", "white"])
def test_the_background_is_what_neither_the_face_nor_the_edit_covers(background):
    person, view = Person(), View(background=background)
    beard, hat = (background_of(Edit("", *edit), person, view) for edit in (("facial_hair", "beard"), ("hat", "hat")))
    assert beard[:8, :8].all()
    assert not beard[24:44, 24:40].any()
    assert 0.2 < hat.mean() < beard.mean() < 0.7
    # a beard changes hardly anything there: at most the rim of the head
    images = render_all([(person, view), Edit("", "facial_hair", "beard").applied(person, view)]).astype(int)
    assert np.abs(images[0] - images[1])[beard].mean() < 0.2


def test_a_strip_shows_the_start_the_first_confirmed_image_and_the_result():
    start, first, last = (Image.new("RGB", (2, 2), colour) for colour in ("red", "green", "blue"))
    outcome = SimpleNamespace(before=start, frames=(start, first, last), after=last)
    assert [strip(outcome, 1).getpixel((x, 0)) for x in (0, 2, 4)] == [(255, 0, 0), (0, 128, 0), (0, 0, 255)]
    assert strip(outcome, None).getpixel((2, 0)) == (255, 0, 0)
