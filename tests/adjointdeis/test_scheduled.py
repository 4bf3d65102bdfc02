"""One z a step: a gradient for every one of them."""

import math

import pytest
import torch

from adjointdeis import (
    ClassifierFreeGuidance,
    ContinuousAdjoint,
    DiscreteAdjoint,
    LinearVP,
    Sampler,
    Unrolled,
    encode,
    sample,
)
from adjointdeis.shapes import Scheduled
from tests.truth import Tangle, gaussian, mixture, normal, relative_error, squared_distance

TARGET = normal(2, 2, 2, 3, seed=2)
X = normal(2, 2, 2, 3)
SAMPLERS = {
    "DDIM": {},
    "DPM-Solver-2M": {"order": 2},
    "SDE-DPM-Solver-1": {"sde": True},
    "SDE-DPM-Solver++(2M)": {"sde": True, "family": "data", "order": 2},
}
EXACT = {
    "unrolled": Unrolled(),
    "discrete": DiscreteAdjoint(),
    "few states": DiscreteAdjoint(checkpoints=2),
    "graphs": DiscreteAdjoint(graphs=3),
}


def schedule(steps, seed=1):
    return normal(steps, 2, 4, seed=seed)


def sampler_of(steps, **kwargs):
    return Sampler.from_grid(LinearVP().uniform_log_snr(steps), **kwargs)


@pytest.mark.parametrize("method", EXACT.values(), ids=EXACT)
@pytest.mark.parametrize("name", SAMPLERS)
def test_equals_automatic_differentiation_through_the_sample(name, method):
    sampler, z = sampler_of(7, **SAMPLERS[name]), schedule(7).requires_grad_()
    w = sampler.draw_noises(X, torch.Generator().manual_seed(8)) if sampler.sde else None
    *_, image = sample(mixture(), sampler, X, Scheduled(z), w)
    squared_distance(TARGET)(image).sum().backward()
    found = method.value_and_grad(
        mixture(), sampler, X, Scheduled(z.detach()), squared_distance(TARGET), w, ("z", "x_T")
    )
    assert torch.equal(found.image, image)
    assert found.grads["z"].shape == (7, 2, 4)
    for i in range(7):
        assert relative_error(found.grads["z"][i], z.grad[i]) < 1e-9, i


def exact_shares(world, grid, image):
    """dL/dz_i of a Gaussian's flow. With y = x / alpha, r = sqrt(std^2 + rho^2): d(y / r) = mean(z) d(1 / r), so

    y_0 = r_0 [y_T / r_T + sum_i mean(z_i) (1 / r_{i+1} - 1 / r_i)].
    """
    r = [math.sqrt(world.std**2 + rho**2) for rho in grid.rho]
    g = (image - TARGET).flatten(1)
    weights = [grid.alpha[-1] * r[-1] * (1 / r[i + 1] - 1 / r[i]) for i in range(grid.steps)]
    return torch.stack([weight * g @ world.weight.T for weight in weights])


def exact_image(world, grid, z):
    r = [math.sqrt(world.std**2 + rho**2) for rho in grid.rho]
    y = X / grid.alpha[0] / r[0]
    for i in range(grid.steps):
        y = y + world.mean(z[i]) * (1 / r[i + 1] - 1 / r[i])
    return grid.alpha[-1] * r[-1] * y


@pytest.mark.parametrize("method", [DiscreteAdjoint(), ContinuousAdjoint(1), ContinuousAdjoint(2)], ids=str)
def test_converges_to_the_exact_shares_of_a_gaussians_flow(method):
    """Four values of z, each in force for a quarter of the way; the shares of a quarter's steps add up.

    Where z jumps, a line through two outputs is off by the jump: all orders are 1 here.
    """
    world, quarters, errors = gaussian(), schedule(4), []
    for n in (80, 160):
        sampler = sampler_of(n, order=2 if method == ContinuousAdjoint(2) else 1)
        z = quarters.repeat_interleave(n // 4, 0)
        truth = exact_shares(world, sampler.grid, exact_image(world, sampler.grid, z))
        found = method.value_and_grad(world, sampler, X, Scheduled(z), squared_distance(TARGET)).grads["z"]
        parts = [part.view(4, n // 4, 2, 4).sum(1) for part in (found, truth)]
        errors.append(relative_error(*parts))
    assert errors[0] < 0.04
    assert math.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("method", [*EXACT.values(), ContinuousAdjoint(1), ContinuousAdjoint(2)], ids=str)
def test_a_schedule_that_stands_still_is_a_plain_conditioning(method):
    sampler, z = sampler_of(6), normal(2, 4, seed=1)
    plain = method.value_and_grad(mixture(), sampler, X, z, squared_distance(TARGET))
    still = method.value_and_grad(mixture(), sampler, X, Scheduled(z.expand(6, 2, 4)), squared_distance(TARGET))
    assert relative_error(still.grads["x_T"], plain.grads["x_T"]) < 1e-12
    assert relative_error(still.grads["z"].sum(0), plain.grads["z"]) < 1e-12


def test_the_shares_are_increments_and_not_the_cumulative_adjoint():
    """In a Gaussian's world z_i enters step i by its own weight alone, whatever the other steps are."""
    world, sampler, z = gaussian(), sampler_of(5), schedule(5)
    found = DiscreteAdjoint().value_and_grad(world, sampler, X, Scheduled(z), squared_distance(TARGET)).grads["z"]
    for i in range(5):
        moved = z.clone()
        moved[i] += 1e-6
        *_, image = sample(world, sampler, X, Scheduled(z))
        *_, shifted = sample(world, sampler, X, Scheduled(moved))
        slope = (squared_distance(TARGET)(shifted) - squared_distance(TARGET)(image)) / 1e-6
        assert relative_error(found[i].sum(1), slope) < 1e-4


@pytest.mark.parametrize("kwargs", [{}, {"sde": True}, {"sde": True, "family": "data", "order": 2}])
def test_encoding_and_sampling_with_a_schedule_give_the_image_back(kwargs):
    sampler, world = Sampler.from_grid(LinearVP().uniform_log_snr(20, end=0.02), **kwargs), gaussian()
    z, image = Scheduled(schedule(20)), normal(2, 2, 2, 3, seed=4)
    encoding = encode(world, sampler, image, z, torch.Generator().manual_seed(3), iterations=100, tolerance=1e-13)
    *_, back = sample(world, sampler, encoding.x_T, z, encoding.noises)
    assert relative_error(back, image) < 1e-8


def test_guidance_and_parameters_go_with_a_schedule():
    network = Tangle(2, 4).double()
    model = ClassifierFreeGuidance(network, 3.0, normal(1, 4, seed=9))
    arguments = (model, sampler_of(5), X, Scheduled(schedule(5)), squared_distance(TARGET), None, ("x_T", "z", "theta"))
    truth, found = (method.value_and_grad(*arguments).grads for method in (Unrolled(), DiscreteAdjoint()))
    assert relative_error(found["z"], truth["z"]) < 1e-12
    assert relative_error(found["theta"]["mix"], truth["theta"]["mix"]) < 1e-12


def test_a_schedule_that_is_only_carried_along_is_left_alone():
    z = schedule(5)
    found = DiscreteAdjoint().value_and_grad(
        mixture(), sampler_of(5), X, Scheduled(z), squared_distance(TARGET), wrt=("x_T",)
    )
    assert set(found.grads) == {"x_T"}
    assert not z.requires_grad


def test_a_schedule_of_another_length_is_refused():
    for call in (
        lambda z: sample(mixture(), sampler_of(5), X, z),
        lambda z: encode(mixture(), sampler_of(5, sde=True), X, z),
        lambda z: DiscreteAdjoint().value_and_grad(mixture(), sampler_of(5), X, z, squared_distance(TARGET)),
    ):
        with pytest.raises(ValueError, match="needs one z a step, 5 in all; got 4"):
            call(Scheduled(schedule(4)))
