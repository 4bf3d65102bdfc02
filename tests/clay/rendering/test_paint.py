import numpy as np

from clay.people.person import Person
from clay.people.view import View
from clay.rendering.paint import BACKGROUND, FACIAL_HAIR, HAIR, LIGHT, SKIN, paint


def test_colours_are_linear_light_and_the_light_is_a_unit_vector():
    table = paint(Person(), View())
    assert table.dtype == np.float32
    assert table.shape == (9, 3)
    assert table[:LIGHT].min() >= 0
    assert table[:LIGHT].max() <= 1
    assert np.isclose(np.linalg.norm(table[LIGHT]), 1)


def test_skin_darkens_along_its_scale():
    brightness = [paint(Person(skin=skin), View())[SKIN].sum() for skin in (0, 1.5, 3, 4.2, 5)]
    assert brightness == sorted(brightness, reverse=True)


def test_dyed_hair_leaves_the_beard_brown():
    dyed, natural = (paint(Person(hair_colour=colour), View()) for colour in ("blue", "red"))
    assert dyed[FACIAL_HAIR].argmax() == 0
    assert np.allclose(natural[FACIAL_HAIR], natural[HAIR] * 0.8**2.2, atol=1e-6)


def test_the_background_depends_on_the_view():
    one, two = (paint(Person(), View(background=colour)) for colour in ("blue", "pink"))
    assert (one[BACKGROUND] != two[BACKGROUND]).any()
    assert (one[SKIN] == two[SKIN]).all()
