import dataclasses

import numpy as np
import pytest

from clay.people.person import Person
from clay.people.view import View
from clay.rendering.geometry import geometry
from clay.rendering.scene import distances

pytestmark = pytest.mark.slow  # compiles


def distance(points, person=None, **view):
    points = np.asarray(points, np.float32).T.copy()
    out = np.empty(points.shape[1], np.float32)
    distances(points, out, geometry(person or Person(hair_style="bald"), View(**view)))
    return out


def test_inside_is_negative_and_outside_positive():
    inside, outside = distance([[0, 0, 0], [0, 0, 3]])
    assert inside < -0.5
    assert outside == pytest.approx(3 - 1.05, abs=0.25)


def test_a_frontal_head_is_symmetric():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (200, 3))
    assert np.allclose(distance(points), distance(points * [-1, 1, 1]), atol=1e-5)


def test_the_field_never_grows_much_faster_than_distance():
    """Sphere tracing makes steps of 0.85 of the field; with a steeper field they would pass through thin parts."""
    rng = np.random.default_rng(1)
    points = rng.uniform(-1.2, 1.2, (4000, 3))
    step = rng.normal(size=points.shape)
    step *= 1e-3 / np.linalg.norm(step, axis=1, keepdims=True)
    view = {"glasses": "glasses", "expression": "laughing"}
    person = Person(hair_style="curly", facial_hair="beard")
    slope = np.abs(distance(points + step, person, **view) - distance(points, person, **view)) / 1e-3
    assert np.quantile(slope, 0.99) < 2.0


@pytest.mark.parametrize(
    ("point", "change"),
    [
        ([0, 1.5, -0.1], {"hair_style": "bun"}),
        ([1.1, -0.22, -0.15], {"hair_style": "pigtails"}),
        ([0, 1.25, 0.0], {"hair_style": "mohawk"}),
        ([0.9, -0.9, -0.3], {"hair_style": "long"}),
    ],
)
def test_a_hair_style_fills_its_place(point, change):
    bald, styled = (distance([point], p)[0] for p in (Person(hair_style="bald"), Person(**change)))
    assert styled < bald - 0.05


def test_a_beard_pushes_the_chin_out_and_stubble_does_not():
    chin = [[0.0, -0.75, 0.75]]
    shaven = Person(hair_style="bald")
    bearded, stubbly = (dataclasses.replace(shaven, facial_hair=kind) for kind in ("beard", "stubble"))
    assert distance(chin, bearded)[0] < distance(chin, shaven)[0] - 0.02
    assert distance(chin, stubbly)[0] == distance(chin, shaven)[0]


def test_the_head_turns_and_the_shoulders_do_not():
    nose, shoulder = [0, -0.2, 1.1], [1.1, -1.6, -0.2]
    before, after = distance([nose, shoulder]), distance([nose, shoulder], yaw=0.6)
    assert after[0] > before[0] + 0.05
    assert after[1] == pytest.approx(before[1], abs=1e-6)
