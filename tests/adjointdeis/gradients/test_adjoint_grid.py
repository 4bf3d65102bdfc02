import math

import pytest

from adjointdeis import Grid, LinearVP
from adjointdeis.gradients.adjoint_grid import adjoint_grid
from tests.truth import normal

SAMPLER = LinearVP().uniform_log_snr(12)


def flow(steps):
    sigma = [0.95 - 0.94 * i / steps for i in range(steps + 1)]
    return Grid(tuple(1000 * s for s in sigma), tuple(1 - s for s in sigma), tuple(sigma))


def test_the_samplers_own_grid_is_taken_as_it_is():
    for steps in (None, 12, SAMPLER):
        grid = adjoint_grid(SAMPLER, steps)
        assert grid.nodes is SAMPLER
        assert [place.i for place in grid.places] == list(range(13))
        assert {place.f for place in grid.places} == {0.0}


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 6])
def test_where_the_steps_divide_the_samplers_the_nodes_are_the_samplers(steps):
    grid = adjoint_grid(SAMPLER, steps)
    every = range(0, 13, 12 // steps)
    assert grid.nodes.times == tuple(SAMPLER.times[i] for i in every)
    assert [tuple(place) for place in grid.places] == [(i, 0.0) for i in every]


@pytest.mark.parametrize("steps", [5, 7, 18, 24, 60])
@pytest.mark.parametrize("sampler", [SAMPLER, flow(12), LinearVP().grid([1 - i / 12 for i in range(13)])])
def test_nodes_between_nodes_are_on_the_schedule(sampler, steps):
    grid = adjoint_grid(sampler, steps)
    power = 1 if sampler.times[0] > 1 else 2
    assert grid.nodes.steps == steps
    for alpha, sigma, rho, (i, f) in zip(grid.nodes.alpha, grid.nodes.sigma, grid.nodes.rho, grid.places, strict=True):
        assert alpha**power + sigma**power == pytest.approx(1)
        expected = sampler.rho[i] if f == 0 else (1 - f) * sampler.rho[i] + f * sampler.rho[i + 1]
        assert rho == pytest.approx(expected)
    if power == 1:
        assert grid.nodes.times == pytest.approx([1000 * s for s in grid.nodes.sigma])


def test_the_time_between_nodes_is_near_the_schedules_own():
    errors = []
    for n in (10, 20, 40):
        nodes = adjoint_grid(LinearVP().uniform_log_snr(n), 2 * n).nodes
        errors.append(max(abs(t - LinearVP().time(s)) for t, s in zip(nodes.times, nodes.log_snr, strict=True)))
    assert errors[0] < 1e-3
    assert errors[1] < errors[0] / 4
    assert errors[2] < errors[1] / 4


def test_the_time_between_nodes_may_be_given():
    nodes = adjoint_grid(SAMPLER, 29, LinearVP().time).nodes
    assert nodes.times == pytest.approx([LinearVP().time(s) for s in nodes.log_snr], rel=1e-9)


def test_a_schedule_of_no_known_law_is_interpolated():
    exploding = Grid((3, 2, 1), (1.0, 1.0, 1.0), (9.0, 3.0, 1.0))
    nodes = adjoint_grid(exploding, 4).nodes
    assert nodes.alpha == (1.0,) * 5
    assert nodes.rho[1] == pytest.approx(math.sinh((math.asinh(9) + math.asinh(3)) / 2))
    assert nodes.times[0] == 3
    assert all(a > b for a, b in zip(nodes.times[:-1], nodes.times[1:], strict=True))


@pytest.mark.parametrize("steps", [1, 5, 7, 12, 30, LinearVP().uniform_log_snr(9)], ids=str)
def test_every_step_of_the_sampler_is_shared_out_once(steps):
    grid = adjoint_grid(SAMPLER, steps)
    covered, passed = [0.0] * 12, []
    for j in range(grid.nodes.steps):
        shares = grid.shares(j)
        assert sum(share for _, share in shares) == pytest.approx(1)
        for i, share in shares:
            covered[i] += share * (grid.nodes.rho[j] - grid.nodes.rho[j + 1])
        passed += [(i, way) for i, way in grid.passed(j)]
        for i, way in grid.passed(j):
            assert 0 <= way < 1
            rho = (1 - way) * grid.nodes.rho[j + 1] + way * grid.nodes.rho[j]
            assert rho == pytest.approx(SAMPLER.rho[i])
    assert covered == pytest.approx([SAMPLER.rho[i] - SAMPLER.rho[i + 1] for i in range(12)])
    assert [i for i, _ in passed] == list(range(1, 13))


def test_states_between_nodes_lie_on_a_straight_line_over_rho():
    slope, start = normal(2, 3), normal(2, 3, seed=1)
    states = [a * (start + slope * rho) for a, rho in zip(SAMPLER.alpha, SAMPLER.rho, strict=True)]
    grid = adjoint_grid(SAMPLER, 17)
    for j in range(18):
        expected = grid.nodes.alpha[j] * (start + slope * grid.nodes.rho[j])
        assert (grid.state(j, states) - expected).abs().max() < 1e-12 * expected.abs().max() + 1e-12


def test_grids_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="steps must be at least 1; got 0"):
        adjoint_grid(SAMPLER, 0)
    with pytest.raises(ValueError, match=r"must begin and end where the sampler's does, at sigma/alpha = .* got"):
        adjoint_grid(SAMPLER, LinearVP().uniform_log_snr(5, end=0.1))
