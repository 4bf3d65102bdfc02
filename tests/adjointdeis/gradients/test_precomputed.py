import pytest
import torch
from torch import nn

from adjointdeis import (
    ContinuousAdjoint,
    DiscreteAdjoint,
    LinearVP,
    NotFinite,
    Precomputed,
    Reversible,
    Sampler,
    Scheduled,
    StepOptions,
    SubgridAdjoint,
    Unrolled,
    guide,
    prepared,
    sample,
)
from tests.truth import Tangle, normal, relative_error, squared_distance

GRID = LinearVP().uniform_log_snr(6)
ODE, SDE = Sampler.from_grid(GRID), Sampler.from_grid(GRID, sde=True)
METHODS = (
    DiscreteAdjoint(),
    DiscreteAdjoint(checkpoints=2, graphs=1),
    Unrolled(),
    SubgridAdjoint(3),
    ContinuousAdjoint(1),
    ContinuousAdjoint(2),
    ContinuousAdjoint(1, trajectory="resolved"),
    Reversible(),
)
X, Z, LOSS = normal(2, 3, 2, 2), normal(2, 4, seed=1), squared_distance(normal(2, 3, 2, 2, seed=2))


class Reading(nn.Module):
    """net(t, x, z) = rest(t, x, tanh(W z)), which also takes tanh(W z) itself."""

    def __init__(self) -> None:
        super().__init__()
        self.rest = Tangle(3, 5).double()
        self.W = nn.Parameter(normal(5, 4, seed=3))
        self.read = 0

    def prepare(self, z):
        self.read += 1
        return torch.tanh(z @ self.W.T)

    def forward(self, t, x, z):
        return self.rest(t, x, self.prepare(z) if z.shape[-1] == 4 else z)


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize("sampler", [ODE, SDE], ids=["ode", "sde"])
def test_gradients_are_those_without_it(method, sampler):
    if sampler.sde and isinstance(method, Reversible):
        pytest.skip("Reversible is for ODEs")
    noises = normal(6, 2, 3, 2, 2, seed=4) if sampler.sde else None
    wrt = ("x_T", "z", "noises") if sampler.sde else ("x_T", "z")
    model = Reading()
    plain = method.value_and_grad(model, sampler, X, Z, LOSS, noises, wrt)
    again = Precomputed(model.prepare, method).value_and_grad(model, sampler, X, Z, LOSS, noises, wrt)
    assert torch.equal(again.image, plain.image)
    assert set(again.grads) == set(plain.grads)
    for name, grad in plain.grads.items():
        assert relative_error(again.grads[name], grad) < 1e-12


def test_z_is_read_once_a_gradient():
    model = Reading()
    Precomputed(model.prepare).value_and_grad(model, ODE, X, Z, LOSS)
    assert model.read == 1


def test_every_step_of_a_schedule_has_its_own_share():
    model, z = Reading(), Scheduled(normal(6, 2, 4, seed=5))
    plain = DiscreteAdjoint().value_and_grad(model, ODE, X, z, LOSS)
    again = Precomputed(model.prepare).value_and_grad(model, ODE, X, z, LOSS)
    assert again.grads["z"].shape == z.z.shape
    assert relative_error(again.grads["z"], plain.grads["z"]) < 1e-12


def test_parameters_that_prepare_has_are_differentiated_too():
    model = Reading()
    plain = DiscreteAdjoint().value_and_grad(model, ODE, X, Z, LOSS, wrt=("theta", "z"))
    again = Precomputed(model.prepare).value_and_grad(model, ODE, X, Z, LOSS, wrt=("theta", "z"))
    assert plain.grads["theta"]["W"].norm() > 0
    assert torch.equal(again.grads["theta"]["W"], plain.grads["theta"]["W"])


def test_no_conditioning_is_left_alone():
    found = Precomputed(Reading().prepare).value_and_grad(Tangle(3).double(), ODE, X, None, LOSS)
    assert set(found.grads) == {"x_T"}
    assert prepared(Reading().prepare, None) is None
    assert prepared(None, Z) is Z


def test_a_gradient_that_is_not_wanted_is_not_taken():
    model = Reading()
    found = Precomputed(model.prepare).value_and_grad(model, ODE, X, Z, LOSS, wrt=("x_T",))
    assert set(found.grads) == {"x_T"}


@pytest.mark.parametrize("z", [Z, Scheduled(normal(6, 2, 4, seed=5))], ids=["one", "scheduled"])
def test_samples_are_those_without_it(z):
    model = Reading()
    *_, plain = sample(model, ODE, X, z)
    *_, again = sample(model, ODE, X, prepared(model.prepare, z))
    *_, of_method = Precomputed(model.prepare).sample(model, ODE, X, z)
    assert relative_error(again, plain) < 1e-12  # many z are multiplied in another order
    assert torch.equal(of_method, again)


def test_guidance_goes_the_same_way():
    model, rules = Reading(), StepOptions(normalize=True)
    arguments = {"optimizer": "sgd", "lr": 0.1, "steps": 5, "rules": rules}
    *_, plain = guide(model, ODE, X, Z, LOSS, **arguments)
    *_, again = guide(model, ODE, X, Z, LOSS, gradient=Precomputed(model.prepare), **arguments)
    assert again.variables["z"].shape == Z.shape
    assert relative_error(again.image, plain.image) < 1e-10
    assert again.nfe == plain.nfe


def test_what_is_not_finite_still_carries_the_gradient_of_z():
    model = Reading()

    def spoilt(image):
        return LOSS(image) * torch.tensor([1.0, float("nan")])

    with pytest.raises(NotFinite) as found:
        Precomputed(model.prepare).value_and_grad(model, ODE, X, Z, spoilt)
    grad = found.value.result.grads["z"]
    assert grad.shape == Z.shape
    plain = DiscreteAdjoint().value_and_grad(model, ODE, X[:1], Z[:1], squared_distance(normal(2, 3, 2, 2, seed=2)[:1]))
    assert relative_error(grad[:1], plain.grads["z"]) < 1e-12


def test_a_preparation_that_spoils_the_gradient_is_noticed():
    model = Reading()

    def steep(z):
        return model.prepare(z) + 0 * z.sum(1, keepdim=True).sub(z.sum(1, keepdim=True)).sqrt()

    with pytest.raises(NotFinite, match=r"gradient with respect to z is not finite"):
        Precomputed(steep).value_and_grad(model, ODE, X, Z, LOSS)
