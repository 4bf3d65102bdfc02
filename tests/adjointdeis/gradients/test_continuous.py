import math

import numpy as np
import pytest
import torch
from torchdiffeq import odeint_adjoint

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Grid, LinearVP, Sampler, sample
from adjointdeis.shapes import Scheduled
from tests.truth import Tangle, gaussian, mixture, normal, relative_error, squared_distance

TARGET = normal(2, 2, 2, 3, seed=2)


def slope(counts, errors):
    return -np.polyfit(np.log(counts), np.log(errors), 1)[0]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.slow
def test_converges_to_the_exact_gradient_of_a_gaussians_flow(order):
    world, x, z = gaussian(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    counts, errors = [160, 320, 640], {"x_T": [], "z": []}
    for n in counts:
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n), order=order)
        x_T, z_ = x.clone().requires_grad_(), z.clone().requires_grad_()
        squared_distance(TARGET)(world.flow(sampler.grid, x_T, z_)).sum().backward()
        found = ContinuousAdjoint(order).value_and_grad(world, sampler, x, z, squared_distance(TARGET))
        errors["x_T"].append(relative_error(found.grads["x_T"], x_T.grad))
        errors["z"].append(relative_error(found.grads["z"], z_.grad))
    for name, values in errors.items():
        assert slope(counts, values) == pytest.approx(order, abs=0.15), name


@pytest.fixture(scope="module")
def continuous_gradient():
    """That of a mixture, by the exact gradient of a second-order sampler on a fine grid."""
    fine = Sampler.from_grid(LinearVP().uniform_log_snr(2000), order=2)
    arguments = (mixture(), fine, normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(TARGET))
    return DiscreteAdjoint().value_and_grad(*arguments).grads


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
def test_converges_to_the_continuous_gradient_of_a_mixture(order, continuous_gradient):
    world, x, z = mixture(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    counts, errors = [160, 320, 640], {"x_T": [], "z": []}
    for n in counts:
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n), order=order)
        found = ContinuousAdjoint(order).value_and_grad(world, sampler, x, z, squared_distance(TARGET))
        for name in errors:
            errors[name].append(relative_error(found.grads[name], continuous_gradient[name]))
    for name, values in errors.items():
        assert slope(counts, values) == pytest.approx(order, abs=0.15), name


def test_order_one_is_eulers_method_in_rho():
    """The same numbers as torchdiffeq's adjoint by Euler in y = x / alpha over rho = sigma / alpha."""
    world, x, z = mixture(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    grid = LinearVP().uniform_log_snr(30)
    sampler = Sampler.from_grid(grid)
    times = {round(r, 9): t for r, t in zip(grid.rho, grid.times, strict=True)}

    class InRho(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.z = torch.nn.Parameter(z.clone())

        def forward(self, rho, y):
            t = times[round(float(rho), 9)]
            return world(torch.full((2,), t, dtype=y.dtype), LinearVP().alpha(t) * y, self.z)

    field, start = InRho(), (x / grid.alpha[0]).requires_grad_()
    path = odeint_adjoint(field, start, torch.tensor(grid.rho, dtype=torch.float64), method="euler")
    squared_distance(TARGET)(grid.alpha[-1] * path[-1]).sum().backward()
    found = ContinuousAdjoint(1).value_and_grad(world, sampler, x, z, squared_distance(TARGET)).grads
    assert relative_error(found["x_T"], start.grad / grid.alpha[0]) < 1e-9
    assert relative_error(found["z"], field.z.grad) < 1e-9


@pytest.mark.parametrize("h", [0.2, math.log(2), 1.0])
def test_stability_factor_where_noise_dominates(h):
    """eps = x / sigma: in y a step multiplies by 2 - e^h (ODE) and 3 - 2 e^h (SDE)."""
    sigma_s, alpha_s = math.sqrt(1 - 1e-4), 1e-2
    snr = math.log(alpha_s / sigma_s) + h
    alpha_t = 1 / math.sqrt(1 + math.exp(-2 * snr))
    grid = Grid((1.0, 0.5), (alpha_s, alpha_t), (sigma_s, math.sqrt(1 - alpha_t**2)))

    def model(t, x, z):
        return x / grid.sigma[grid.times.index(float(t[0]))]

    for sde, factor in ((False, 2 - math.exp(h)), (True, 3 - 2 * math.exp(h))):
        sampler = Sampler.from_grid(grid, sde=sde)
        found = ContinuousAdjoint(1).value_and_grad(
            model, sampler, normal(1, 1, 2, 2), None, lambda image: image.sum((1, 2, 3))
        )
        expected = factor * alpha_t / alpha_s
        assert (found.grads["x_T"] - expected).abs().max() < 1e-12 * abs(expected) + 1e-12


@pytest.mark.slow
def test_the_sde_adjoint_carries_the_factor_two():
    world, x, z = mixture(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    errors = []
    for n in (200, 400):
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n, end=0.05), sde=True)
        w = sampler.draw_noises(x, torch.Generator().manual_seed(8))
        exact, found = (
            m.value_and_grad(world, sampler, x, z, squared_distance(TARGET), w, ("z", "noises")).grads
            for m in (DiscreteAdjoint(), ContinuousAdjoint(1))
        )
        errors.append(relative_error(found["z"], exact["z"]))
        assert relative_error(found["noises"], exact["noises"]) < 0.2
    assert errors[0] < 0.1
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_the_prediction_type_does_not_change_the_gradient(prediction):
    """The same denoiser, with three prediction types."""
    world, x, z = mixture(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    grid = LinearVP().uniform_log_snr(10, end=0.02)

    def network(t, x, z):
        alpha, sigma = LinearVP().alpha(float(t[0])), LinearVP().sigma(float(t[0]))
        eps = world(t, x, z)
        x0 = (x - sigma * eps) / alpha
        return {"epsilon": eps, "sample": x0, "v_prediction": alpha * eps - sigma * x0}[prediction]

    found, truth = (
        ContinuousAdjoint(2)
        .value_and_grad(net, Sampler.from_grid(grid, prediction_type=p), x, z, squared_distance(TARGET))
        .grads
        for net, p in ((network, prediction), (world, "epsilon"))
    )
    assert relative_error(found["x_T"], truth["x_T"]) < 1e-9
    assert relative_error(found["z"], truth["z"]) < 1e-9


def test_an_end_at_sigma_zero_gives_a_finite_gradient():
    grid = Grid((3, 2, 1, 0), (0.1, 0.5, 0.9, 1.0), (0.995, 0.866, 0.436, 0.0))
    sampler = Sampler.from_grid(grid)
    found = ContinuousAdjoint(2).value_and_grad(Tangle(3), sampler, normal(2, 3, 2, 2), None, squared_distance(0.0))
    assert found.grads["x_T"].isfinite().all()


@pytest.mark.slow
def test_theta_converges_to_that_of_the_discrete_sampler():
    model, x, z = Tangle(2, 4).double(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    errors = []
    for n in (200, 400):
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n))
        exact, found = (
            m.value_and_grad(model, sampler, x, z, squared_distance(TARGET), wrt=("theta",)).grads["theta"]
            for m in (DiscreteAdjoint(), ContinuousAdjoint(1))
        )
        errors.append(relative_error(found["mix"], exact["mix"]))
    assert errors[1] == pytest.approx(errors[0] / 2, rel=0.2)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("trajectory", ["stored", "resolved"])
def test_a_grid_of_as_many_steps_is_the_samplers_own(order, trajectory):
    world, x, z = mixture(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(12))
    plain, named, given = (
        ContinuousAdjoint(order, steps, trajectory)
        .value_and_grad(world, sampler, x, z, squared_distance(TARGET), wrt=("x_T", "z"))
        .grads
        for steps in (None, 12, LinearVP().uniform_log_snr(12))
    )
    for name, grad in plain.items():
        assert torch.equal(grad, named[name])
        assert relative_error(given[name], grad) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
def test_fewer_steps_than_the_samplers_converge_at_the_adjoints_own_order(order):
    world, x, z = gaussian(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(640), order=2)
    x_T, z_ = x.clone().requires_grad_(), z.clone().requires_grad_()
    squared_distance(TARGET)(world.flow(sampler.grid, x_T, z_)).sum().backward()
    counts, errors = [80, 160], {"x_T": [], "z": []}
    for m in counts:
        found = ContinuousAdjoint(order, m).value_and_grad(world, sampler, x, z, squared_distance(TARGET)).grads
        errors["x_T"].append(relative_error(found["x_T"], x_T.grad))
        errors["z"].append(relative_error(found["z"], z_.grad))
    for name, values in errors.items():
        assert slope(counts, values) == pytest.approx(order, abs=0.25), name


@pytest.mark.slow
@pytest.mark.parametrize("steps", [lambda n: 2 * n, lambda n: LinearVP().uniform_log_snr(3 * n // 2)])
@pytest.mark.parametrize("order", [1, 2])
def test_more_steps_than_the_samplers_converge_too(order, steps, continuous_gradient):
    """States and, for a number, times between the sampler's nodes are interpolated: of second order as well."""
    world, x, z = mixture(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    counts, errors = [80, 160, 320], {"x_T": [], "z": []}
    for n in counts:
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n), order=order)
        method = ContinuousAdjoint(order, steps(n))
        found = method.value_and_grad(world, sampler, x, z, squared_distance(TARGET)).grads
        for name in errors:
            errors[name].append(relative_error(found[name], continuous_gradient[name]))
    for name, values in errors.items():
        assert slope(counts, values) > order - 0.25, name


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
def test_a_resolved_trajectory_converges_at_the_same_order(order, continuous_gradient):
    world, x, z = mixture(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    counts, errors = [160, 320, 640], {"x_T": [], "z": []}
    for n in counts:
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n), order=order)
        method = ContinuousAdjoint(order, trajectory="resolved")
        found = method.value_and_grad(world, sampler, x, z, squared_distance(TARGET)).grads
        for name in errors:
            errors[name].append(relative_error(found[name], continuous_gradient[name]))
    for name, values in errors.items():
        assert slope(counts, values) == pytest.approx(order, abs=0.3), name


@pytest.fixture(scope="module")
def gradient_of_a_flow():
    fine = Sampler.from_grid(flow(600), order=2, prediction_type="flow_prediction")
    arguments = (Tangle(2, 4).double(), fine, normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(TARGET))
    return DiscreteAdjoint().value_and_grad(*arguments).grads


def flow(steps):
    """alpha = 1 - sigma."""
    sigma = [0.9 - 0.87 * i / steps for i in range(steps + 1)]
    return Grid(tuple(sigma), tuple(1 - s for s in sigma), tuple(sigma))


@pytest.mark.parametrize("share", [2, 3, 5])
@pytest.mark.parametrize("order", [1, 2])
def test_a_flows_gradient_converges_on_coarser_and_on_finer_grids(order, share, gradient_of_a_flow):
    """M = 2/3 N and 5/3 N: most nodes lie between the sampler's. A finer grid brings the gradient nearer."""
    model, x, z = Tangle(2, 4).double(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    errors = []
    for n in (48, 96):
        sampler = Sampler.from_grid(flow(n), order=order, prediction_type="flow_prediction")
        method = ContinuousAdjoint(order, share * n // 3)
        found = method.value_and_grad(model, sampler, x, z, squared_distance(TARGET)).grads
        errors.append(relative_error(found["x_T"], gradient_of_a_flow["x_T"]))
        assert relative_error(found["z"], gradient_of_a_flow["z"]) < 0.045 / share
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)
    assert errors[1] < (0.31 if order == 1 else 0.07) / share


@pytest.mark.parametrize("steps", [100, 150, 200])
@pytest.mark.slow
def test_the_noises_of_an_sde_get_their_gradient_from_another_grid(steps):
    world, x, z = mixture(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(200, 0.7, 0.05), sde=True)
    w = sampler.draw_noises(x, torch.Generator().manual_seed(8))
    exact, found = (
        m.value_and_grad(
            world, sampler, x, Scheduled(z.expand(200, 2, 4)), squared_distance(TARGET), w, ("z", "noises")
        )
        for m in (DiscreteAdjoint(), ContinuousAdjoint(1, steps))
    )
    assert relative_error(found.grads["noises"], exact.grads["noises"]) < 0.15
    assert relative_error(found.grads["z"].sum(0), exact.grads["z"].sum(0)) < 0.1
    thirds = [g.grads["z"].unflatten(0, (8, 25)).sum(1) for g in (found, exact)]
    assert relative_error(*thirds) < 0.15


def test_noises_inside_an_adjoint_step_get_the_adjoint_at_their_own_node():
    """One step over six of the sampler's: alpha a_x lies on the straight line over rho between its two ends."""
    grid = LinearVP().uniform_log_snr(6, 0.7, 0.05)
    sampler, x, z = Sampler.from_grid(grid, sde=True), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    w = sampler.draw_noises(x, torch.Generator().manual_seed(8))
    found = ContinuousAdjoint(1, steps=1).value_and_grad(
        mixture(), sampler, x, z, squared_distance(TARGET), w, ("x_T", "noises")
    )
    b_T, b_0 = grid.alpha[0] * found.grads["x_T"], grid.alpha[-1] * (found.image - TARGET)
    for i in range(1, 7):
        way = (grid.rho[i] - grid.rho[-1]) / (grid.rho[0] - grid.rho[-1])
        expected = sampler.rows[i - 1].D * (way * b_T + (1 - way) * b_0) / grid.alpha[i]
        assert relative_error(found.grads["noises"][i - 1], expected) < 1e-12


@pytest.mark.slow
def test_ddims_eta_lies_between_the_ode_and_the_sde():
    world, x, z = mixture(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    errors = []
    for n in (100, 200):
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n, end=0.05), eta=0.5)
        w = sampler.draw_noises(x, torch.Generator().manual_seed(8))
        exact, found = (
            m.value_and_grad(world, sampler, x, z, squared_distance(TARGET), w, ("z",)).grads["z"]
            for m in (DiscreteAdjoint(), ContinuousAdjoint(1))
        )
        errors.append(relative_error(found, exact))
    assert errors[0] < 0.05
    assert errors[1] < 0.7 * errors[0]


def test_what_it_cannot_do_is_refused():
    with pytest.raises(ValueError, match="trajectory must be 'stored' or 'resolved'; got 'solved'"):
        ContinuousAdjoint(1, trajectory="solved")
    with pytest.raises(ValueError, match="steps must be at least 1; got 0"):
        ContinuousAdjoint(1, steps=0)
    with pytest.raises(ValueError, match="order must be 1 or 2; got 3"):
        ContinuousAdjoint(3)
    pure_noise = Sampler.from_grid(Grid((1, 0), (0.0, 0.9), (1.0, 0.4)), prediction_type="v_prediction")
    with pytest.raises(ValueError, match="divides by alpha"):
        ContinuousAdjoint(1).value_and_grad(Tangle(1), pure_noise, normal(1, 1, 2, 2), None, squared_distance(0.0))


def test_states_are_those_of_the_sampler():
    world, x, z = mixture(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(10))
    *_, image = sample(world, sampler, x, z)
    assert torch.equal(ContinuousAdjoint(1).value_and_grad(world, sampler, x, z, squared_distance(x)).image, image)
