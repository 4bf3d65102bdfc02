import numpy as np
import pytest

from clay.people.person import Person
from clay.people.view import View
from clay.rendering.paint import LIGHT, paint
from clay.rendering.shading import IS_CLOTHES, IS_EYE, exposed, gloss, shade

pytestmark = pytest.mark.slow  # compiles

RAY = np.array([0, 0, -1], np.float32)


def light(normal, lit=1.0, kind=IS_CLOTHES, reflect=0.5):
    colours = paint(Person(), View())
    return shade(RAY, np.asarray(normal, np.float32), 1.0, lit, kind, 0, reflect, 0.0, colours)


def test_a_face_turned_to_the_light_is_brighter_than_one_turned_away():
    towards = paint(Person(), View())[LIGHT]
    assert light(towards) > 2 * light(-towards)


def test_shadow_darkens():
    towards = paint(Person(), View())[LIGHT]
    assert light(towards, lit=0.0) < 0.7 * light(towards)


def test_eyes_shine_more_than_clothes():
    assert gloss(IS_EYE, 0.0) > 10 * gloss(IS_CLOTHES, 0.0)


def test_exposure_rises_and_never_clips_below_full_light():
    values = [exposed(x) for x in (0.0, 0.3, 0.9, 5.0)]
    assert values == sorted(values)
    assert values[0] == 0
    assert values[2] < 1
    assert values[3] == 1
