"""The schemes are the published ones, and docs/reversible.md holds their errors."""

import pytest
import torch

pytest.importorskip("torchdiffeq")

from adjointdeis import OffTheShelf, Reversible, Sampler
from adjointdeis.schedule import LinearVP
from benchmarks.gaussian_mixture import mixture, problem, relative_error
from benchmarks.page_options import DOCS
from benchmarks.reversible.__main__ import tables
from benchmarks.reversible.measure import PROBLEMS, by_autograd, calls, gradient, in_lambda, in_t, invert, measure, run
from benchmarks.reversible.schemes import SCHEMES, Coupled, Solver

GIVEN = problem(mixture(), batch=4)


def solver_of(steps, grid=in_lambda, given=GIVEN):
    return Solver(grid(steps), given.model, given.z, torch.float64)


def flow(given, grid):
    truth = OffTheShelf("dopri8", rtol=1e-10, atol=1e-10, time=LinearVP().time)
    *_, image = truth.sample(given.model, Sampler.from_grid(grid(10)), given.x_T, given.z)
    return image


def test_the_coupling_in_the_data_family_equals_the_librarys():
    for c in (1.0, 0.9):
        solver = solver_of(9)
        image = Coupled(c).image(solver, run(Coupled(c), solver, GIVEN.x_T))
        *_, ours = Reversible(c).sample(GIVEN.model, Sampler.from_grid(solver.grid), GIVEN.x_T, GIVEN.z)
        assert relative_error(ours, image) < 1e-13


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_is_inverted_and_gives_its_exact_gradient(name):
    solver = solver_of(8)
    assert relative_error(invert(SCHEMES[name], solver, run(SCHEMES[name], solver, GIVEN.x_T)), GIVEN.x_T) < 1e-9
    assert relative_error(gradient(SCHEMES[name], solver, GIVEN), by_autograd(SCHEMES[name], solver, GIVEN)) < 1e-9


@pytest.mark.parametrize("name", ["EDICT, p = 0.93", "BDIA, gamma = 1", "BELM", "reversible Heun"])
def test_every_scheme_converges_to_the_flow(name):
    exact = flow(GIVEN, in_lambda)
    errors = []
    for steps in (30, 120):
        solver = solver_of(steps)
        errors.append(relative_error(SCHEMES[name].image(solver, run(SCHEMES[name], solver, GIVEN.x_T)), exact))
    assert errors[1] < errors[0] / 8


def test_calls_are_counted():
    assert [calls(SCHEMES[name], 10) for name in ("EDICT, p = 0.93", "BDIA, gamma = 1", "BELM")] == [20, 10, 10]
    assert [calls(SCHEMES[name], 10) for name in ("reversible Heun", "coupling 0.97, data")] == [11, 19]


@pytest.mark.slow
def test_with_guidance_the_coupling_in_the_data_family_has_the_smallest_error():
    given = problem(PROBLEMS["guidance of scale 7.5, steps uniform in t"][0], batch=8)
    exact = flow(given, in_t)
    errors = {}
    for name, scheme in SCHEMES.items():
        solver = solver_of(20, in_t, given)
        errors[name] = relative_error(scheme.image(solver, run(scheme, solver, given.x_T)), exact)
    ours = errors["coupling 0.97, data"]
    for name in ("BDIA, gamma = 1", "BELM", "reversible Heun"):
        assert ours < errors[name] / 7, name


@pytest.mark.slow
def test_inversion_needs_a_state_in_float64():
    network, grid = PROBLEMS["guidance of scale 7.5"]
    given = problem(network, batch=8)
    _, single, mixed, double, _, in_double = measure(SCHEMES["coupling 0.97, data"], given, grid(50), given.x_T)
    assert single > 1e-3
    assert mixed < 1e-5
    assert double < 1e-8
    assert in_double < 1e-8


def test_the_page_shows_every_scheme_for_every_problem():
    page = (DOCS / "reversible.md").read_text(encoding="utf-8")
    assert page.count("\n## ") == len(PROBLEMS)
    for name in SCHEMES:
        assert page.count(f"| {name} | 20 |") == len(PROBLEMS), f"{name}: run python -m benchmarks.reversible"


@pytest.mark.slow
def test_a_row_of_the_page_holds_measured_figures():
    lines = list(tables(["a mixture"], ["BELM"], [6]))
    given = problem(mixture(), batch=8)
    figures = measure(SCHEMES["BELM"], given, in_lambda(6), flow(given, in_lambda))
    assert lines[-2].startswith(f"| BELM | 6 | 6 | {figures[0]:.0e} | {figures[1]:.0e} |")
