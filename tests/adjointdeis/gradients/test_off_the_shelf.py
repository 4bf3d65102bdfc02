import math
import sys

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler

pytest.importorskip("torchdiffeq")

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Grid, LinearVP, Sampler, sample, time_from_scheduler
from adjointdeis.gradients.off_the_shelf import ADAPTIVE, FIXED, Field, OffTheShelf
from adjointdeis.shapes import Scheduled
from tests.truth import Tangle, gaussian, mixture, normal, relative_error, squared_distance

X, Z, LOSS = normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(normal(2, 2, 2, 3, seed=2))
CLOCK = LinearVP().time
TIMES = (1.0, 0.75, 0.5, 0.3, 0.1, 0.0)
STRAIGHT = Grid(TIMES, tuple(1 - t for t in TIMES), TIMES)


def exact(world, grid):
    """The gradient of the closed-form flow, and its image."""
    x, z = X.clone().requires_grad_(), Z.clone().requires_grad_()
    image = world.flow(grid, x, z)
    return image.detach(), torch.autograd.grad(LOSS(image).sum(), [x, z])


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_euler_is_ddim_and_its_gradient(prediction):
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(8, end=0.02), prediction_type=prediction)
    model, loss_fn = Tangle(3, 4).double(), squared_distance(normal(2, 3, 2, 2, seed=2))
    ours, truth = (
        m.value_and_grad(model, sampler, normal(2, 3, 2, 2), Z, loss_fn, wrt=("x_T", "z", "theta"))
        for m in (OffTheShelf("euler"), DiscreteAdjoint())
    )
    assert relative_error(ours.image, truth.image) < 1e-12
    for name in ("x_T", "z"):
        assert relative_error(ours.grads[name], truth.grads[name]) < 1e-11, name
    for name, value in truth.grads["theta"].items():
        assert relative_error(ours.grads["theta"][name], value) < 1e-11, name


def test_eulers_adjoint_is_adjointdeis_1():
    world, sampler = mixture(), Sampler.from_grid(LinearVP().uniform_log_snr(20))
    ours, truth = (
        m.value_and_grad(world, sampler, X, Z, LOSS).grads for m in (OffTheShelf("euler", True), ContinuousAdjoint(1))
    )
    for name in ("x_T", "z"):
        assert relative_error(ours[name], truth[name]) < 1e-9, name


def test_euler_on_a_flow_is_flow_matchings_euler_from_pure_noise_to_the_image():
    sampler = Sampler.from_grid(STRAIGHT, prediction_type="flow_prediction")
    ours, truth = (
        m.value_and_grad(Tangle(2, 4).double(), sampler, X, Z, LOSS) for m in (OffTheShelf("euler"), DiscreteAdjoint())
    )
    assert relative_error(ours.image, truth.image) < 1e-12
    assert relative_error(ours.grads["x_T"], truth.grads["x_T"]) < 1e-11
    states = list(OffTheShelf("euler").sample(Tangle(2, 4).double(), sampler, X, Z))
    for found, expected in zip(states, sample(Tangle(2, 4).double(), sampler, X, Z), strict=True):
        assert relative_error(found, expected) < 1e-12


@pytest.fixture(scope="module")
def tight():
    """Image and gradient of a mixture's flow, by a solver of order 8 whose truth the Gaussian tests."""
    sampler = Sampler.from_grid(LinearVP().grid([1, 0.5, 0.1]))
    return OffTheShelf("dopri8", rtol=1e-12, atol=1e-12, time=CLOCK).value_and_grad(mixture(), sampler, X, Z, LOSS)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("heun3", 3), ("rk4", 4)])
def test_fixed_steps_converge_at_the_solvers_order(method, order, tight):
    """On a mixture: on a single Gaussian, midpoint happens to be of order 3."""
    counts, errors = [40, 80, 160], {"image": [], "x_T": [], "z": []}
    for n in counts:
        sampler = Sampler.from_grid(LinearVP().grid([1 - 0.9 * i / n for i in range(n + 1)]))
        found = OffTheShelf(method, time=CLOCK).value_and_grad(mixture(), sampler, X, Z, LOSS)
        for name, f, g in (
            ("image", found.image, tight.image),
            ("x_T", found.grads["x_T"], tight.grads["x_T"]),
            ("z", found.grads["z"], tight.grads["z"]),
        ):
            errors[name].append(relative_error(f, g))
    slopes = {name: -np.polyfit(np.log(counts), np.log(values), 1)[0] for name, values in errors.items()}
    assert slopes == pytest.approx(dict.fromkeys(errors, order), abs=0.15)


@pytest.mark.parametrize(
    ("solver", "adjoint"), [("dopri5", False), pytest.param("dopri5", True, marks=pytest.mark.slow), ("dopri8", False)]
)
def test_an_adaptive_solver_reaches_the_exact_gradient(solver, adjoint):
    world, sampler = gaussian(), Sampler.from_grid(LinearVP().uniform_log_snr(10))
    image, (g_x, g_z) = exact(world, sampler.grid)
    method = OffTheShelf(solver, adjoint, rtol=1e-11, atol=1e-11, time=CLOCK)
    found = method.value_and_grad(world, sampler, X, Z, LOSS)
    assert relative_error(found.image, image) < 1e-6
    assert relative_error(found.grads["x_T"], g_x) < 1e-5
    assert relative_error(found.grads["z"], g_z) < 1e-5


@pytest.mark.parametrize("method", ["dopri5", "rk4", "explicit_adams"])
def test_no_solver_calls_the_network_outside_the_grid(method):
    times = []

    def model(t, x, z):
        times.append(float(t[0]))
        return 0.5 * x

    grid = LinearVP().uniform_log_snr(12)
    OffTheShelf(method, time=CLOCK).value_and_grad(model, Sampler.from_grid(grid), X, None, LOSS)
    assert grid.times[-1] <= min(times) <= max(times) <= grid.times[0]


def test_through_the_solver_and_by_the_adjoint_agree_for_theta():
    model, sampler = Tangle(2, 4).double(), Sampler.from_grid(LinearVP().uniform_log_snr(10, end=0.05))
    through, adjoint = (
        OffTheShelf("rk4", a, time=CLOCK).value_and_grad(model, sampler, X, Z, LOSS, wrt=("theta",)).grads["theta"]
        for a in (False, True)
    )
    assert set(through) == {"mix", "inject"}
    for name in through:
        assert 0 < relative_error(adjoint[name], through[name]) < 0.05


def at(grid, value, time=None):
    sampler = Sampler.from_grid(grid, prediction_type="flow_prediction" if grid is STRAIGHT else "epsilon")
    field = Field(Tangle(2), sampler, None, torch.float64, time)
    alpha = 1 - value if grid is STRAIGHT else 1 / math.sqrt(1 + value * value)
    return field.time_at(value, alpha, value if grid is STRAIGHT else alpha * value)


def test_a_node_has_the_grids_time_and_between_nodes_times_are_interpolated():
    scheduler = DPMSolverMultistepScheduler()
    scheduler.set_timesteps(10)
    grid = Sampler.from_scheduler(scheduler, order=1).grid
    assert [at(grid, rho) for rho in grid.rho] == list(grid.times)
    assert {type(at(grid, rho)) for rho in grid.rho} == {int}
    between = math.sqrt(grid.rho[4] * grid.rho[5])
    assert at(grid, between) == pytest.approx((grid.times[4] + grid.times[5]) / 2)
    assert at(grid, between, time_from_scheduler(scheduler)) != pytest.approx(at(grid, between), rel=1e-4)
    assert grid.times[10] < at(grid, 0.5 * grid.rho[9]) < grid.times[9]
    assert at(STRAIGHT, 0.4) == pytest.approx(0.4)
    assert at(STRAIGHT, 0.01) == pytest.approx(0.01)


def test_interpolated_times_are_of_second_order():
    world, counts, errors = gaussian(), [20, 40, 80], []
    for n in counts:
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n, end=0.1))
        _, (g_x, _) = exact(world, sampler.grid)
        errors.append(relative_error(OffTheShelf("rk4").value_and_grad(world, sampler, X, Z, LOSS).grads["x_T"], g_x))
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(2, abs=0.15)


def test_a_network_that_looks_its_times_up_can_follow_euler():
    table = torch.nn.Embedding(1000, 1).double()

    def model(t, x, z):
        return 0.3 * x + table(t).view(-1, 1, 1, 1)

    scheduler = DPMSolverMultistepScheduler()
    scheduler.set_timesteps(6)
    sampler = Sampler.from_scheduler(scheduler, order=1)
    ours, truth = (m.value_and_grad(model, sampler, X, None, LOSS) for m in (OffTheShelf("euler"), DiscreteAdjoint()))
    assert relative_error(ours.grads["x_T"], truth.grads["x_T"]) < 1e-11
    with pytest.raises(RuntimeError, match="Long"):
        OffTheShelf("midpoint").value_and_grad(model, sampler, X, None, LOSS)


def test_modes_dtypes_and_the_callers_tensors():
    sampler, model = Sampler.from_grid(LinearVP().uniform_log_snr(6)), Tangle(2, 4)
    plain = OffTheShelf("midpoint").value_and_grad(model, sampler, X.float(), Z.float(), LOSS)
    assert {g.dtype for g in plain.grads.values()} == {torch.float32} == {plain.image.dtype}
    with torch.inference_mode():
        quiet = OffTheShelf("midpoint").value_and_grad(
            model, sampler, X.float().clone(), normal(2, 4, seed=1, dtype=torch.float32), LOSS
        )
    assert set(quiet.grads) == {"x_T", "z"}
    assert not X.requires_grad
    assert all(p.grad is None for p in model.parameters())
    alone = OffTheShelf("midpoint").value_and_grad(Tangle(2), sampler, X, None, LOSS, wrt=("x_T", "z"))
    assert set(alone.grads) == {"x_T"}


def test_every_solver_that_is_offered_runs():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(5, end=0.1))
    for method in FIXED + ADAPTIVE:
        found = OffTheShelf(method, rtol=1e-3, atol=1e-3, time=CLOCK).value_and_grad(gaussian(), sampler, X, Z, LOSS)
        assert found.grads["x_T"].isfinite().all(), method


def test_what_it_cannot_do_is_refused():
    def call(**changes):
        given = {"model": Tangle(2, 4), "sampler": Sampler.from_grid(STRAIGHT, prediction_type="flow_prediction")}
        OffTheShelf("euler").value_and_grad(**(given | {"x_T": X, "z": Z, "loss_fn": LOSS} | changes))

    vp = LinearVP().uniform_log_snr(5)
    with pytest.raises(ValueError, match=r"method must be one of euler, .*; got 'scipy_solver'"):
        OffTheShelf("scipy_solver")
    with pytest.raises(NotImplementedError, match="noises are given step by step"):
        call(sampler=Sampler.from_grid(vp, sde=True))
    with pytest.raises(NotImplementedError, match="a conditioning given step by step is undefined"):
        call(z=Scheduled(normal(5, 2, 4)))
    with pytest.raises(NotImplementedError, match="variance-preserving and flow schedules only"):
        call(sampler=Sampler.from_grid(Grid((2, 1, 0), (0.3, 0.6, 0.9), (0.9, 0.5, 0.2))))
    with pytest.raises(ValueError, match="infinite at the first node"):
        call(sampler=Sampler.from_grid(Grid((1, 0), (0.0, 0.8), (1.0, 0.6)), prediction_type="v_prediction"))


def test_a_missing_torchdiffeq_is_reported_with_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchdiffeq", None)
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(5))
    with pytest.raises(ImportError, match=r"run `pip install torchdiffeq`, or use DiscreteAdjoint\(\)"):
        OffTheShelf("euler").value_and_grad(gaussian(), sampler, X, Z, LOSS)
