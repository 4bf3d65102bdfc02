import math

import pytest
import torch

from adjointdeis import ContinuousAdjoint, LinearVP, Sampler, Unrolled, audit
from adjointdeis.audit import compare, largest_step
from adjointdeis.gradients.subgrid import SubgridAdjoint
from adjointdeis.shapes import Scheduled
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


def test_a_method_of_another_author_is_audited_too():
    class Doubled:
        """Implements the protocol alone."""

        def value_and_grad(self, *request):
            found = Unrolled().value_and_grad(*request)
            return found._replace(grads={name: 2 * grad for name, grad in found.grads.items()})

    found = run(Doubled(), 10)
    assert found.cosine == pytest.approx({"x_T": 1, "z": 1})
    assert found.length_ratio == pytest.approx({"x_T": 2, "z": 2})


def test_an_approximation_is_measured_and_comes_closer_with_more_steps():
    coarse, fine = run(ContinuousAdjoint(1), 15), run(ContinuousAdjoint(1), 150)
    for name in ("x_T", "z"):
        assert abs(1 - fine.length_ratio[name]) < abs(1 - coarse.length_ratio[name])
        assert fine.cosine[name] > coarse.cosine[name]
    assert fine.cosine["z"] > 0.99


@pytest.mark.parametrize(
    ("steps", "sde", "words"),
    [(4, False, "gradient unstable"), (11, False, "flip the sign"), (40, False, None), (20, True, "flip")],
)
def test_large_steps_are_warned_about(steps, sde, words):
    found = run(ContinuousAdjoint(1), steps, sde=sde)
    assert [words in warning for warning in found.warnings] == ([True] if words else [])
    if words:
        assert f"the longest step here is {found.largest_step:.2f}" in found.warnings[0]


def test_the_largest_step_is_that_of_the_grid():
    grid = LinearVP().uniform_log_snr(10)
    assert largest_step(Sampler.from_grid(grid)) == pytest.approx((grid.log_snr[-1] - grid.log_snr[0]) / 10)
    assert math.isfinite(largest_step(Sampler.from_grid(LinearVP().grid([1.0, 0.5, 0.0]))))


def test_the_grid_that_is_warned_about_is_the_methods_own():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(40))
    whole = largest_step(sampler)
    coarse = run(ContinuousAdjoint(1, steps=10), 40)
    assert coarse.largest_step == pytest.approx(4 * whole)
    assert "flip the sign of the adjoint's gradient" in coarse.warnings[0]
    assert run(ContinuousAdjoint(1, steps=80), 11).warnings == ()
    ours = run(SubgridAdjoint(10), 40)
    assert ours.largest_step == pytest.approx(4 * whole)
    assert ours.warnings == ()
    assert ours.cosine["x_T"] > 0.99 > coarse.cosine["x_T"]


def test_bounds_of_ddims_eta_lie_between():
    limit = math.log(1 + 1 / 1.25)
    for steps, warned in ((16, True), (18, False)):
        found = run(ContinuousAdjoint(1), steps, eta=0.5)
        assert (found.largest_step > limit) == warned == bool(found.warnings)


def test_parameters_are_audited_as_one_vector_and_each_for_itself():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(20))
    model = Tangle(2, 4).double()
    arguments = (model, sampler, normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(TARGET))
    found = audit(ContinuousAdjoint(1), *arguments, wrt=("theta",))
    assert set(found.cosine) == {"theta"}
    assert 0.5 < found.cosine["theta"] <= 1
    assert set(found.by_parameter) == {"mix", "inject"}
    assert found.by_step == {}
    exact = audit(Unrolled(), *arguments, wrt=("theta",))
    assert exact.by_parameter["mix"] == pytest.approx((1, 1))


def test_noises_and_scheduled_conditionings_are_audited_step_by_step():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(20, end=0.05), sde=True, family="data")
    z = Scheduled(normal(1, 2, 4).expand(20, 2, 4))
    noises = normal(20, 2, 2, 2, 3, seed=3)
    arguments = (mixture(), sampler, normal(2, 2, 2, 3), z, squared_distance(TARGET), noises, ("x_T", "z", "noises"))
    found = audit(SubgridAdjoint(10), *arguments)
    assert {name: len(steps) for name, steps in found.by_step.items()} == {"noises": 20, "z": 20}
    # the whole gradient's ratio lies between those of its steps; its cosine may lie below them all
    cosines, ratios = zip(*found.by_step["noises"], strict=True)
    assert 0.9 < found.cosine["noises"] <= max(cosines) + 1e-6
    assert min(ratios) - 1e-6 <= found.length_ratio["noises"] <= max(ratios) + 1e-6
    exact = audit(Unrolled(), *arguments)
    assert exact.by_step["z"] == [pytest.approx((1, 1))] * 20
    assert exact.by_parameter == {}


def test_gradients_of_length_zero_are_compared():
    zero, one = torch.zeros(3), torch.tensor([0.0, 2.0, 0.0])
    assert compare(zero, zero) == (1, 1)
    assert compare(zero, one) == (0, 0)
    assert compare(one, zero) == (0, math.inf)
    assert compare(-one, 2 * one) == (-1, 0.5)
