from itertools import combinations

import pytest
import torch
from torch import nn

from adjointdeis import (
    ClassifierFreeGuidance,
    ContinuousAdjoint,
    CountedModel,
    DiscreteAdjoint,
    LinearVP,
    Sampler,
    Unrolled,
    sample,
)
from adjointdeis.gradients.network_parameters import WithParameters, all_parameters, trainable
from adjointdeis.gradients.problem import VARIABLES
from tests.truth import Tangle, mixture, normal, relative_error, squared_distance

GRID = LinearVP().uniform_log_snr(6)
SDE = Sampler.from_grid(GRID, sde=True)
X, Z, TARGET = normal(2, 2, 2, 3), normal(2, 4, seed=1), normal(2, 2, 2, 3, seed=2)
METHODS = {"discrete": DiscreteAdjoint(), "graphs": DiscreteAdjoint(graphs=2), "AdjointDEIS-1": ContinuousAdjoint(1)}


class Adapted(nn.Module):
    """A frozen network and a low-rank adapter beside it, as in LoRA."""

    def __init__(self, rank=1):
        super().__init__()
        self.base = Tangle(2, 4).double().requires_grad_(False)
        self.down = nn.Parameter(normal(rank, 2, seed=5))
        self.up = nn.Parameter(0.1 * normal(2, rank, seed=6))

    def forward(self, t, x, z):
        return self.base(t, x, z) + torch.einsum("ir,rj,bj...->bi...", self.up, self.down, x)


def by_hand(model, network, wrt):
    """dL/d theta by backward() through the plain sample."""
    network.zero_grad()
    w = SDE.draw_noises(X, torch.Generator().manual_seed(8))
    *_, image = sample(model, SDE, X, Z, w)
    squared_distance(TARGET)(image).sum().backward()
    return {name: p.grad for name, p in network.named_parameters() if name in wrt}


def gradients(method, model, wrt=("theta",)):
    w = SDE.draw_noises(X, torch.Generator().manual_seed(8))
    return method.value_and_grad(model, SDE, X, Z, squared_distance(TARGET), w, wrt).grads


@pytest.mark.parametrize("method", [DiscreteAdjoint(), DiscreteAdjoint(graphs="auto"), Unrolled()], ids=str)
def test_adapters_on_a_frozen_network(method):
    model = Adapted()
    found = gradients(method, model)["theta"]
    assert set(found) == {"down", "up"}
    for name, grad in by_hand(model, model, found).items():
        assert relative_error(found[name], grad) < 1e-12
    assert all(p.grad is None for p in model.base.parameters())


def test_nothing_is_computed_for_a_frozen_parameter():
    """The graph of a step keeps x for the gradient of a weight, and only for that."""
    saved = []

    def kept(model):
        saved.clear()
        with torch.autograd.graph.saved_tensors_hooks(lambda v: saved.append(v) or v, lambda v: v):
            gradients(DiscreteAdjoint(), model, ("x_T", "theta"))
        return len(saved)

    model = Adapted()
    adapters = kept(model)
    model.base.requires_grad_(True)
    assert kept(model) > adapters


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("wrap", ["guidance", "counting", "plain function", "named by hand", "unknown wrapper"])
def test_parameters_are_found_through_wrappers(method, wrap):
    network = Adapted()

    class Doubled:
        def __init__(self, model):
            self.model = model

        def __call__(self, t, x, z):
            return 2 * self.model(t, x, z)

    model = {
        "guidance": ClassifierFreeGuidance(network, 2.0, normal(1, 4, seed=9)),
        "counting": CountedModel(network),
        "plain function": WithParameters(lambda t, x, z: network(t, x, z), dict(network.named_parameters())),
        "named by hand": WithParameters(network, {"up": network.up}),
        "unknown wrapper": Doubled(CountedModel(network)),
    }[wrap]
    found = gradients(method, model)["theta"]
    assert set(found) == ({"up"} if wrap == "named by hand" else {"down", "up"})
    if not isinstance(method, ContinuousAdjoint):
        for name, grad in by_hand(model, network, found).items():
            assert relative_error(found[name], grad) < 1e-12
    else:
        assert all(grad.abs().max() > 0 for grad in found.values())


@pytest.mark.parametrize(
    "wrt", [names for n in range(1, 5) for names in combinations(VARIABLES, n)], ids=lambda names: "+".join(names)
)
def test_any_combination_in_one_pass(wrt):
    model = Adapted()
    whole = gradients(Unrolled(), model, VARIABLES)
    for method in (Unrolled(), DiscreteAdjoint(graphs=2), ContinuousAdjoint(1)):
        found = gradients(method, model, wrt)
        assert set(found) == set(wrt)
        expected = gradients(method, model, VARIABLES) if isinstance(method, ContinuousAdjoint) else whole
        for name in wrt:
            parts = found[name].items() if name == "theta" else [(name, found[name])]
            for key, grad in parts:
                truth = expected[name][key] if name == "theta" else expected[name]
                assert relative_error(grad, truth) < 1e-12


def test_a_model_without_parameters_is_an_error():
    assert all_parameters(mixture()) == {}
    assert set(all_parameters(Adapted())) == {"down", "up", "base.mix", "base.inject"}
    for model in (mixture(), Tangle(2, 4).requires_grad_(False), CountedModel(mixture())):
        with pytest.raises(ValueError, match=r"no parameter that requires a gradient.*WithParameters"):
            trainable(model)
