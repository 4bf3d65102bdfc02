"""The measurements of the adjoints in docs/theory.md, on fewer cases."""

import pytest

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Sampler, SubgridAdjoint
from benchmarks.adjoints import against_flow, against_sampler, flow, grid, of_sde, same_grid, world

WHERE = world()


def of_sampler(method, steps, order=1, betas="linear"):
    return against_sampler(method, Sampler.from_grid(grid(betas, steps), order=order), WHERE)


@pytest.mark.slow
def test_the_exact_gradient_converges_to_that_of_the_flow():
    nodes = grid("linear", 20)
    truth = DiscreteAdjoint().value_and_grad(WHERE.model, flow(nodes), WHERE.x_T, WHERE.z, WHERE.loss_fn).grads
    half = against_flow(DiscreteAdjoint(), flow(nodes, 1500), WHERE, truth)
    for cosine, length in half.values():  # the reference itself is converged
        assert cosine == pytest.approx(1, abs=1e-6)
        assert length == pytest.approx(1, abs=1e-4)
    coarse, fine = (
        against_flow(DiscreteAdjoint(), Sampler.from_grid(grid("linear", n)), WHERE, truth)["x_T"] for n in (20, 100)
    )
    assert abs(1 - fine[1]) < 0.5 * abs(1 - coarse[1])


def test_at_20_steps_the_first_order_adjoint_of_x_t_has_a_tenth_of_the_length():
    found = of_sampler(ContinuousAdjoint(order=1), 20)
    assert found["x_T"][0] > 0.97
    assert 0.05 < found["x_T"][1] < 0.2
    assert found["z"][0] > 0.97
    assert found["z"][1] == pytest.approx(1, abs=0.3)


def test_at_10_steps_the_first_order_adjoint_of_x_t_has_the_opposite_sign():
    assert of_sampler(ContinuousAdjoint(order=1), 10)["x_T"][0] < -0.8
    assert of_sampler(ContinuousAdjoint(order=2), 10, order=2)["x_T"][1] > 20


def test_with_fewer_steps_the_jacobian_at_the_noisier_end_is_better():
    assert of_sampler(SubgridAdjoint(5), 40)["x_T"][0] > 0.85
    assert of_sampler(ContinuousAdjoint(1, steps=5), 40)["x_T"][1] > 100
    assert of_sampler(SubgridAdjoint(10), 40)["z"][0] > 0.98


def test_the_gradient_of_an_sde_is_mostly_in_its_noises_and_z():
    for row in of_sde("linear", 20, WHERE):
        x_T, noises, z = (float(cell.split(";")[0]) for cell in row[4:])
        assert x_T < 0.05 * min(noises, z)


@pytest.mark.slow
def test_a_row_names_its_grid_and_its_largest_step():
    rows = same_grid("scaled_linear", 10, WHERE)
    assert len(rows) == 4
    assert rows[0][:4] == ["scaled_linear", "10", "2.85", "DiscreteAdjoint, order 1"]
    assert rows[0][4:6] == ["1.0000 / 1", "1.0000 / 1"]
