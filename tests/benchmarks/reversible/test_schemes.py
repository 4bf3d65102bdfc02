"""The schemes of benchmarks/reversible.py are what they are called, and docs/reversible.md says what they measure."""

import pytest
import torch

pytest.importorskip("torchdiffeq")

from adjointdeis import OffTheShelf, Reversible, Sampler
from adjointdeis.schedule import LinearVP
from benchmarks.reversible import (
    DOCS,
    SCHEMES,
    WORLDS,
    Coupled,
    Here,
    and_back,
    by_autograd,
    calls,
    gradient,
    in_lambda,
    in_t,
    measure,
    tables,
    there,
)
from benchmarks.worlds import mixture, problem, relative_error

GIVEN = problem(mixture(), batch=4)


def here(steps, grid=in_lambda, given=GIVEN):
    return Here(grid(steps), given.model, given.z, torch.float64)


def flow(given, grid):
    truth = OffTheShelf("dopri8", rtol=1e-10, atol=1e-10, time=LinearVP().time)
    *_, image = truth.sample(given.model, Sampler.from_grid(grid(10)), given.x_T, given.z)
    return image


def test_the_coupling_on_the_data_family_is_the_librarys():
    for c in (1.0, 0.9):
        at = here(9)
        image = Coupled(c).image(at, there(Coupled(c), at, GIVEN.x_T))
        *_, ours = Reversible(c).sample(GIVEN.model, Sampler.from_grid(at.grid), GIVEN.x_T, GIVEN.z)
        assert relative_error(ours, image) < 1e-13


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_runs_backwards_and_gives_its_own_gradient(name):
    at = here(8)
    assert relative_error(and_back(SCHEMES[name], at, there(SCHEMES[name], at, GIVEN.x_T)), GIVEN.x_T) < 1e-9
    assert relative_error(gradient(SCHEMES[name], at, GIVEN), by_autograd(SCHEMES[name], at, GIVEN)) < 1e-9


@pytest.mark.parametrize("name", ["EDICT, p = 0.93", "BDIA, gamma = 1", "BELM", "reversible Heun"])
def test_every_scheme_comes_to_the_flow(name):
    exact = flow(GIVEN, in_lambda)
    errors = []
    for steps in (30, 120):
        at = here(steps)
        errors.append(relative_error(SCHEMES[name].image(at, there(SCHEMES[name], at, GIVEN.x_T)), exact))
    assert errors[1] < errors[0] / 8


def test_calls_are_counted():
    assert [calls(SCHEMES[name], 10) for name in ("EDICT, p = 0.93", "BDIA, gamma = 1", "BELM")] == [20, 10, 10]
    assert [calls(SCHEMES[name], 10) for name in ("reversible Heun", "coupling 0.97, data")] == [11, 19]


def test_under_guidance_the_coupling_on_the_data_family_stays_nearest_to_the_flow():
    given = problem(WORLDS["guidance of scale 7.5, steps uniform in t"][0], batch=8)
    exact = flow(given, in_t)
    errors = {}
    for name, scheme in SCHEMES.items():
        at = here(20, in_t, given)
        errors[name] = relative_error(scheme.image(at, there(scheme, at, given.x_T)), exact)
    ours = errors["coupling 0.97, data"]
    for name in ("BDIA, gamma = 1", "BELM", "reversible Heun"):
        assert ours < errors[name] / 7, name


def test_the_way_back_needs_a_state_in_float64():
    network, grid = WORLDS["guidance of scale 7.5"]
    given = problem(network, batch=8)
    _, single, mixed, double, _, in_double = measure(SCHEMES["coupling 0.97, data"], given, grid(50), given.x_T)
    assert single > 1e-3
    assert mixed < 1e-5
    assert double < 1e-8
    assert in_double < 1e-8


def test_the_page_shows_every_scheme_in_every_world():
    page = (DOCS / "reversible.md").read_text(encoding="utf-8")
    assert page.count("\n## ") == len(WORLDS)
    for name in SCHEMES:
        assert page.count(f"| {name} | 20 |") == len(WORLDS), f"{name}: run python -m benchmarks.reversible"


def test_a_row_of_the_page_holds_measured_figures():
    lines = list(tables(["a mixture"], ["BELM"], [6]))
    given = problem(mixture(), batch=8)
    figures = measure(SCHEMES["BELM"], given, in_lambda(6), flow(given, in_lambda))
    assert lines[-2].startswith(f"| BELM | 6 | 6 | {figures[0]:.0e} | {figures[1]:.0e} |")
