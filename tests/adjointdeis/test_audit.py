import math

import pytest

from adjointdeis import ContinuousAdjoint, LinearVP, Sampler, Unrolled, audit
from adjointdeis.audit import largest_step
from tests.truth import Tangle, mixture, normal, squared_distance

TARGET = normal(2, 2, 2, 3, seed=2)


def run(method, steps, **kwargs):
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(steps), **kwargs)
    return audit(method, mixture(), sampler, normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(TARGET))


def test_an_exact_method_passes():
    found = run(Unrolled(), 10)
    assert found.cosine == pytest.approx({"x_T": 1, "z": 1})
    assert found.length_ratio == pytest.approx({"x_T": 1, "z": 1})
    assert found.warnings == ()


def test_an_approximation_is_measured_and_comes_closer_with_more_steps():
    coarse, fine = run(ContinuousAdjoint(1), 15), run(ContinuousAdjoint(1), 150)
    for name in ("x_T", "z"):
        assert abs(1 - fine.length_ratio[name]) < abs(1 - coarse.length_ratio[name])
        assert fine.cosine[name] > coarse.cosine[name]
    assert fine.cosine["z"] > 0.99


@pytest.mark.parametrize(
    ("steps", "sde", "words"),
    [(4, False, "unstable above"), (11, False, "turns the gradient's sign"), (40, False, None), (20, True, "turns")],
)
def test_large_steps_are_warned_about(steps, sde, words):
    found = run(ContinuousAdjoint(1), steps, sde=sde)
    assert [words in warning for warning in found.warnings] == ([True] if words else [])
    if words:
        assert f"|h| = {found.largest_step:.2f}" in found.warnings[0]


def test_the_largest_step_is_that_of_the_grid():
    grid = LinearVP().uniform_log_snr(10)
    assert largest_step(Sampler.from_grid(grid)) == pytest.approx((grid.log_snr[-1] - grid.log_snr[0]) / 10)
    assert math.isfinite(largest_step(Sampler.from_grid(LinearVP().grid([1.0, 0.5, 0.0]))))


def test_parameters_are_audited_as_one_vector():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(20))
    model = Tangle(2, 4).double()
    arguments = (model, sampler, normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(TARGET))
    found = audit(ContinuousAdjoint(1), *arguments, wrt=("theta",))
    assert set(found.cosine) == {"theta"}
    assert 0.5 < found.cosine["theta"] <= 1
