"""Errors name the step where a value first was not finite."""

import pytest
import torch

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, LinearVP, Sampler, Unrolled
from adjointdeis.gradients.base import NotFinite
from adjointdeis.gradients.network_parameters import WithParameters
from adjointdeis.shapes import Scheduled
from tests.truth import mixture, normal, squared_distance

GRID = LinearVP().uniform_log_snr(6)
ODE = Sampler.from_grid(GRID)
X, Z = normal(2, 2, 2, 3), normal(2, 4, seed=1)
METHODS = {
    "unrolled": Unrolled(),
    "discrete": DiscreteAdjoint(),
    "few states": DiscreteAdjoint(checkpoints=2),
    "graphs": DiscreteAdjoint(graphs="auto"),
    "AdjointDEIS-1": ContinuousAdjoint(1),
    "AdjointDEIS-2M": ContinuousAdjoint(2),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def at(t, step):
    return abs(float(t[0]) - GRID.times[step]) < 1e-12


def named(step):
    return rf"step {step + 1} of 6 \(t = {GRID.times[step]:.4g}\)"


class Poisoned(torch.autograd.Function):
    """The identity, with a gradient that is not finite."""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return g * float("nan")


@every_method
@pytest.mark.parametrize("step", [0, 3, 5])
def test_the_first_output_that_is_not_finite_is_named(method, step):
    def model(t, x, z):
        out = mixture()(t, x, z)
        return out / 0 if at(t, step) else out

    with pytest.raises(NotFinite, match=rf"The network's output at {named(step)} is not finite\. The loss is not"):
        method.value_and_grad(model, ODE, X, Z, squared_distance(0.0))


@every_method
@pytest.mark.parametrize("step", [1, 5])
@pytest.mark.parametrize("variable", ["x", "z"])
def test_the_first_gradient_that_is_not_finite_is_named(method, step, variable):
    def model(t, x, z):
        if at(t, step):
            x, z = (Poisoned.apply(x), z) if variable == "x" else (x, Poisoned.apply(z))
        return mixture()(t, x, z)

    words = rf"gradient with respect to {variable} is not finite behind the network at {named(step)}"
    with pytest.raises(NotFinite, match=words):
        method.value_and_grad(model, ODE, X, Z, squared_distance(0.0))


@every_method
def test_a_parameters_gradient_is_named_too(method):
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)

    def model(t, x, z):
        return mixture()(t, x, z) * (Poisoned.apply(weight) if at(t, 2) else weight)

    named_model = WithParameters(model, {"weight": weight})
    with pytest.raises(NotFinite, match=f"respect to weight is not finite behind the network at {named(2)}"):
        method.value_and_grad(named_model, ODE, X, Z, squared_distance(0.0), wrt=("theta",))
    assert not weight._backward_hooks


@every_method
def test_given_tensors_and_the_losss_gradient_are_named(method):
    with pytest.raises(NotFinite, match="The given x_T is not finite"):
        method.value_and_grad(mixture(), ODE, X * float("nan"), Z, squared_distance(0.0))
    broken = Scheduled(normal(6, 2, 4).where(torch.arange(6)[:, None, None] != 3, torch.inf))
    with pytest.raises(NotFinite, match="The given z is not finite"):
        method.value_and_grad(mixture(), ODE, X, broken, squared_distance(0.0))
    with pytest.raises(NotFinite, match="The gradient of the loss at the image is not finite"):
        method.value_and_grad(mixture(), ODE, X, Z, lambda image: Poisoned.apply(image).sum((1, 2, 3)))


@every_method
def test_an_image_that_overflows_behind_the_last_network_call_is_named(method):
    one_step = Sampler.from_grid(LinearVP().grid([1.0, 0.0]))  # multiplies eps by -sigma_T / alpha_T = -152
    x = X.float()
    with pytest.raises(NotFinite, match="The image is not finite, though every output of the network is"):
        method.value_and_grad(lambda t, x, z: 1e38 * x.clamp(-1, 1), one_step, x, None, squared_distance(0.0))


def test_a_pass_that_is_right_calls_the_network_no_more_often():
    calls = 0

    def model(t, x, z):
        nonlocal calls
        calls += 1
        return mixture()(t, x, z)

    DiscreteAdjoint().value_and_grad(model, ODE, X, Z, squared_distance(0.0))
    assert calls == 12


def test_a_growing_adjoint_is_named_where_it_overflows():
    """AdjointDEIS-1 on a grid far too coarse: no value of the network is at fault."""
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(6, end=1e-5))
    x = X.float()

    def model(t, x, z):
        return 1e30 * (x - x.detach()) + 0.1 * x

    with pytest.raises(NotFinite, match=r"The gradient .* not finite (when it reaches|behind)"):
        ContinuousAdjoint(1).value_and_grad(model, sampler, x, None, squared_distance(0.0))
