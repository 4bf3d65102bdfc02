import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from adjointdeis import (
    ClassifierFreeGuidance,
    ContinuousAdjoint,
    DiscreteAdjoint,
    HalfPrecision,
    LinearVP,
    Sampler,
    Unrolled,
    WithParameters,
    sample,
)
from adjointdeis.precision import to_order_one
from tests.truth import normal, relative_error

ODE = Sampler.from_grid(LinearVP().uniform_log_snr(6))
METHODS = {"unrolled": Unrolled(), "discrete": DiscreteAdjoint(), "AdjointDEIS-1": ContinuousAdjoint(1)}
HALVES = pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])


class Convolutions(nn.Module):
    """Enough layers for a cotangent to be rounded in, and one parameter for every one."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.first, self.second, self.last = (nn.Conv2d(i, o, 3, padding=1) for i, o in [(3, 8), (8, 8), (8, 3)])
        self.inject = nn.Linear(4, 8)

    def forward(self, t, x, z):
        y = F.silu(self.first(x) + self.inject(z)[:, :, None, None])
        return x + self.last(F.silu(self.second(y)))


def tiny_mean(image):
    """A mean over so many values that its gradient is below the smallest normal float16."""
    return 1e-5 * image.square().mean(dim=(1, 2, 3))


def inputs():
    return normal(2, 3, 8, 8, dtype=torch.float32), normal(2, 4, seed=1, dtype=torch.float32)


def gradients(method, model, wrt=("x_T", "z")):
    return method.value_and_grad(model, ODE, *inputs(), tiny_mean, wrt=wrt).grads


def product(model):
    """One vector-Jacobian product, with the cotangent of a mean over 3 x 512 x 512 values."""
    x, z = (v.requires_grad_() for v in inputs())
    output = model(torch.full((2,), 0.5), x, z)
    return torch.autograd.grad(output, [x, z], 2e-7 * normal(2, 3, 8, 8, seed=9, dtype=output.dtype))


@pytest.mark.parametrize("autocast", [True, False])
@HALVES
def test_a_product_through_half_precision_keeps_its_digits(autocast, half):
    network = Convolutions().requires_grad_(False)
    wrapped = HalfPrecision(network if autocast else copy.deepcopy(network).to(half), half, autocast)
    for found, exact in zip(product(wrapped), product(network), strict=True):
        assert relative_error(found, exact) < (1e-3 if half == torch.float16 else 1e-2)


def test_without_the_scaling_float16_loses_the_product():
    """What the wrapper is for: the same network, cast and nothing more."""
    network = Convolutions().requires_grad_(False)
    bare = copy.deepcopy(network).half()
    found = product(lambda t, x, z: bare(t, x.half(), z.half()).float())
    assert all(relative_error(f, e) > 0.08 for f, e in zip(found, product(network), strict=True))


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("autocast", [True, False])
@HALVES
def test_every_method_has_its_gradient_through_half_precision(method, autocast, half):
    """Within what rounding the states themselves does to the gradient; plain automatic differentiation loses it all."""
    network = Convolutions().requires_grad_(False)
    exact = gradients(method, network)
    found = gradients(method, HalfPrecision(network if autocast else copy.deepcopy(network).to(half), half, autocast))
    for name, grad in exact.items():
        assert relative_error(found[name], grad) < (1e-2 if half == torch.float16 else 8e-2)
        assert found[name].dtype == torch.float32


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@HALVES
def test_parameters_in_float32_get_their_gradient(method, half):
    network = Convolutions()
    exact = gradients(method, network, wrt=("x_T", "theta"))["theta"]
    found = gradients(method, HalfPrecision(network, half), wrt=("x_T", "theta"))["theta"]
    assert found.keys() == exact.keys()
    for name, grad in exact.items():
        assert relative_error(found[name], grad) < (4e-3 if half == torch.float16 else 4e-2)


def test_states_stay_in_the_callers_precision():
    x, z = inputs()
    network = Convolutions().requires_grad_(False)
    states = list(sample(HalfPrecision(network, torch.bfloat16), ODE, x, z))
    assert {state.dtype for state in states} == {torch.float32}
    *_, plain = sample(network, ODE, x, z)
    assert 0 < relative_error(states[-1], plain) < 0.02


def test_guidance_goes_around_it():
    network = Convolutions()
    guided = [
        ClassifierFreeGuidance(m, 3.0, torch.zeros(1, 4)) for m in (network, HalfPrecision(network, torch.float16))
    ]
    exact, found = (gradients(DiscreteAdjoint(), model, wrt=("z", "theta")) for model in guided)
    assert relative_error(found["z"], exact["z"]) < 5e-3
    assert relative_error(found["theta"]["last.weight"], exact["theta"]["last.weight"]) < 1e-2


def test_a_network_without_conditioning_is_wrapped_too():
    x, _ = inputs()
    conv = nn.Conv2d(3, 3, 3, padding=1).requires_grad_(False)
    network = HalfPrecision(lambda t, x, z: conv(x), torch.bfloat16)
    found = DiscreteAdjoint().value_and_grad(network, ODE, x, None, tiny_mean)
    assert set(found.grads) == {"x_T"}


def test_the_scale_is_a_power_of_two_and_ignores_what_is_not_finite():
    for largest, scale in [(1.0, 1.0), (3e-7, 2.0**22), (5.0, 0.25)]:
        assert to_order_one(torch.tensor([0.0, -largest, largest / 2])) == scale
    assert to_order_one(torch.tensor([0.0, float("nan"), 3.0, float("inf")])) == 0.5
    assert torch.isfinite(to_order_one(torch.zeros(3)) * 0)


def test_kept_graphs_are_measured_through_it_whatever_it_wraps():
    network = HalfPrecision(ClassifierFreeGuidance(Convolutions(), 2.0, torch.zeros(1, 4)), torch.bfloat16)
    plain, kept = (gradients(DiscreteAdjoint(graphs=graphs), network)["z"] for graphs in (0, "auto"))
    assert relative_error(kept, plain) < 1e-6


def test_what_cannot_be_right_is_refused():
    with pytest.raises(ValueError, match=r"dtype must be torch.bfloat16 or torch.float16; got torch.float64"):
        HalfPrecision(Convolutions(), torch.float64)
    with pytest.raises(NotImplementedError, match="for a torch module only; got ClassifierFreeGuidance"):
        gradients(
            DiscreteAdjoint(),
            HalfPrecision(ClassifierFreeGuidance(Convolutions(), 2.0, torch.zeros(1, 4)), torch.float16),
            wrt=("theta",),
        )
    network = Convolutions()
    half = HalfPrecision(lambda t, x, z: network(t, x, z), torch.float16)
    with pytest.raises(NotImplementedError, match="for a torch module only; got function"):
        gradients(DiscreteAdjoint(), WithParameters(half, dict(network.named_parameters())), wrt=("theta",))
    with pytest.raises(NotImplementedError, match=r"gradient of first.weight would be rounded to torch.float16"):
        gradients(DiscreteAdjoint(), HalfPrecision(Convolutions().half(), torch.float16, False), wrt=("theta",))
