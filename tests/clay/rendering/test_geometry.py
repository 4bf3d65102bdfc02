import dataclasses

import numpy as np

from clay.people.person import Person
from clay.people.view import View
from clay.rendering.geometry import geometry, rotation


def test_rotation_is_a_rotation():
    turn = rotation(0.4, -0.2, 0.1)
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.isclose(np.linalg.det(turn), 1)


def test_every_number_is_single_precision():
    assert {type(value) for value in geometry(Person(), View())} == {np.float32}


def test_the_skull_does_not_depend_on_the_view():
    person = Person(jaw_width=0.5, nose_length=-0.3)
    first, second = geometry(person, View()), geometry(person, View(yaw=0.5, expression="sad"))
    for name in ("head_width", "jaw_width", "nose_length", "eye_x", "ear_size", "lip_fullness"):
        assert getattr(first, name) == getattr(second, name)
    assert first.mouth_curve != second.mouth_curve


def test_a_trait_changes_its_own_number_only():
    plain = geometry(Person(), View())._asdict()
    wide = geometry(dataclasses.replace(Person(), jaw_width=1.0), View())._asdict()
    assert [name for name in plain if plain[name] != wide[name]] == ["jaw_width"]


def test_a_hat_hides_a_bun():
    person = Person(hair_style="bun")
    assert geometry(person, View()).bun == 1
    assert geometry(person, View(hat=True)).bun == 0
