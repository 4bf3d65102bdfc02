import pytest
import torch

from adjointdeis import LinearVP, Sampler, Unrolled, sample
from tests.truth import Tangle, gaussian, normal, relative_error, squared_distance


def test_equals_finite_differences_for_every_variable():
    """torch's own gradcheck, in float64, of the sample as a function of x_T, z and the noises."""
    grid, model = LinearVP().uniform_log_snr(4), Tangle(2, 3).double()
    sampler = Sampler.from_grid(grid, sde=True)
    x, z, target = normal(1, 2, 2, 1), normal(1, 3, seed=1), normal(1, 2, 2, 1, seed=2)
    w = sampler.draw_noises(x, torch.Generator().manual_seed(8))
    loss_fn = squared_distance(target)

    def loss(x_T, z, noises):
        *_, image = sample(model, sampler, x_T, z, noises)
        return loss_fn(image).sum()

    found = Unrolled().value_and_grad(model, sampler, x, z, loss_fn, w, ("x_T", "z", "noises"))
    for name, given in (("x_T", x), ("z", z), ("noises", w)):
        numeric = torch.zeros_like(given)
        for i in range(given.numel()):
            shift = torch.zeros_like(given).flatten()
            shift[i] = 1e-6
            values = {"x_T": x, "z": z, "noises": w}
            with torch.no_grad():
                up = loss(**values | {name: given + shift.view_as(given)})
                down = loss(**values | {name: given - shift.view_as(given)})
            numeric.view(-1)[i] = (up - down) / 2e-6
        assert relative_error(found.grads[name], numeric) < 1e-6, name


def test_parameters_equal_backward_through_the_sample():
    model, sampler = Tangle(2, 3).double(), Sampler.from_grid(LinearVP().uniform_log_snr(5))
    x, z, loss_fn = normal(2, 2, 3, 3), normal(2, 3, seed=1), squared_distance(normal(2, 2, 3, 3, seed=2))
    found = Unrolled().value_and_grad(model, sampler, x, z, loss_fn, wrt=("theta",)).grads["theta"]
    *_, image = sample(model, sampler, x, z)
    loss_fn(image).sum().backward()
    assert set(found) == {"mix", "inject"}
    for name, parameter in model.named_parameters():
        assert relative_error(found[name], parameter.grad) < 1e-12


def test_only_parameters_that_require_a_gradient_are_differentiated():
    model = Tangle(2, 3).double()
    model.mix.requires_grad_(False)
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(5))
    x, z = normal(2, 2, 3, 3), normal(2, 3, seed=1)
    found = Unrolled().value_and_grad(model, sampler, x, z, squared_distance(x), wrt=("theta",)).grads["theta"]
    assert set(found) == {"inject"}


def test_approaches_the_exact_gradient_of_a_gaussians_flow():
    world, x, z, target = gaussian(), normal(2, 2, 2, 3), normal(2, 4, seed=1), normal(2, 2, 2, 3, seed=2)
    errors = []
    for n in (100, 200):
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n))
        x_T, z_ = x.clone().requires_grad_(), z.clone().requires_grad_()
        squared_distance(target)(world.flow(sampler.grid, x_T, z_)).sum().backward()
        found = Unrolled().value_and_grad(world, sampler, x, z, squared_distance(target))
        errors.append(relative_error(found.grads["z"], z_.grad))
        assert relative_error(found.grads["x_T"], x_T.grad) < 0.1
    assert errors[1] == pytest.approx(errors[0] / 2, rel=0.1)
