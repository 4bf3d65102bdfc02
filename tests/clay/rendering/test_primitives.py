import math

import pytest

from clay.rendering.primitives import bump, capsule, ellipsoid, mix, smooth_max, smooth_min, smooth_step, sphere, wave

pytestmark = pytest.mark.slow  # each formula is compiled


def test_smooth_min_is_min_far_from_a_tie_and_lower_at_it():
    assert smooth_min(1.0, 2.0, 0.5) == pytest.approx(1.0)
    assert smooth_min(1.0, 1.0, 0.4) == pytest.approx(0.9)
    assert smooth_max(1.0, 1.0, 0.4) == pytest.approx(1.1)


def test_distances_are_zero_on_surfaces_and_negative_inside():
    assert sphere(0.0, 2.0, 0.0, 2.0) == pytest.approx(0, abs=1e-6)
    assert ellipsoid(0.0, 0.0, 3.0, 1.0, 2.0, 3.0) == pytest.approx(0, abs=1e-6)
    assert ellipsoid(0.1, 0.1, 0.1, 1.0, 2.0, 3.0) < 0
    assert capsule(0.0, 0.5, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.2, 0.4) == pytest.approx(0.7, abs=1e-6)


def test_steps_rise_or_fall():
    assert [smooth_step(0.0, 1.0, x) for x in (-1.0, 0.5, 2.0)] == pytest.approx([0, 0.5, 1])
    assert [smooth_step(1.0, 0.0, x) for x in (-1.0, 0.5, 2.0)] == pytest.approx([1, 0.5, 0])
    assert mix(2.0, 4.0, 0.25) == pytest.approx(2.5)


@pytest.mark.parametrize("x", [-7.0, -1.0, 0.0, 0.3, 2.0, 9.0])
def test_wave_and_bump_are_close_to_sine_and_gauss(x):
    assert wave(x) == pytest.approx(math.sin(x), abs=2e-3)
    assert bump(x) == pytest.approx(math.exp(-x * x), abs=0.02)
