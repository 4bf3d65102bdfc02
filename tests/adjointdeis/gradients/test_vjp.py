import pytest
import torch
from torch import nn

from adjointdeis.gradients.network_parameters import WithParameters
from adjointdeis.gradients.vjp import NetworkVJP
from adjointdeis.shapes import Scheduled
from tests.truth import Tangle, normal, relative_error


def test_many_small_shares_of_a_half_precision_variable_are_not_rounded_away():
    """Each share is below half a unit of the sum's last place, so a sum in float16 would stand still."""
    weight = nn.Parameter(torch.ones((), dtype=torch.float16))
    network = NetworkVJP(WithParameters(lambda t, x, z: weight * x, {"weight": weight}), None, ("theta",))
    share = torch.tensor(1e-4, dtype=torch.float16)
    for _ in range(10_000):
        network.add([share])
    grad = network.grads()["theta"]["weight"]
    assert grad.dtype == torch.float16
    assert float(grad) == pytest.approx(10_000 * float(share), rel=1e-3)


def test_the_product_of_a_recorded_call_may_be_taken_later():
    model, x, z, g = Tangle(3, 4).double(), normal(2, 3, 2, 2), normal(2, 4, seed=1), normal(2, 3, 2, 2, seed=2)
    network = NetworkVJP(model, z, ("z", "theta"))
    late, at_once = network.vjp(network.record(5, x), g), network.record_and_vjp(5, x, g)
    x_, z_ = x.clone().requires_grad_(), z.clone().requires_grad_()
    expected = torch.autograd.grad(model(torch.tensor([5, 5]), x_, z_), [x_, z_, *model.parameters()], g)
    for found in (late, at_once):
        for value, truth in zip([found[0], *found[1]], expected, strict=True):
            assert relative_error(value, truth) < 1e-14


def test_the_share_of_a_step_is_that_of_its_own_conditioning():
    z = normal(3, 2, 4)
    network = NetworkVJP(Tangle(3, 4).double(), Scheduled(z), ("z",))
    for step, weight in ((2, 1.0), (0, 2.0), (2, 0.5)):
        network.add([torch.ones(2, 4)], weight, step)
    assert network.grads()["z"][:, 0, 0].tolist() == [2.0, 0.0, 1.5]
    assert network.record(5, normal(2, 3, 2, 2), 1).leaves[1].equal(z[1])
    with pytest.raises(TypeError, match="A network call takes one z; got one a step"):
        network.record(5, normal(2, 3, 2, 2))


def test_a_network_that_cannot_be_differentiated_is_an_error():
    network = NetworkVJP(lambda t, x, z: x.detach(), None, ("x_T",))
    with pytest.raises(ValueError, match=r"output has no gradient.*without detach\(\) or no_grad\(\)"):
        network.record(5, normal(2, 3, 2, 2))
