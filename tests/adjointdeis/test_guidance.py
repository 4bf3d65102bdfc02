import weakref

import pytest
import torch

from adjointdeis import ClassifierFreeGuidance, DiscreteAdjoint, LinearVP, Sampler, Unrolled, sample
from tests.truth import Tangle, normal, relative_error, squared_distance

MODEL = Tangle(3, 4).double()
X, Z, NEGATIVE, T = normal(2, 3, 2, 2), normal(2, 4, seed=1), normal(1, 4, seed=2), torch.full((2,), 400)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("scale", [0.0, 1.0, 3.5])
def test_output_is_the_two_branches_combined(scale, batched):
    guided = ClassifierFreeGuidance(MODEL, scale, NEGATIVE, batched)(T, X, Z)
    without, with_z = MODEL(T, X, NEGATIVE.expand(2, -1)), MODEL(T, X, Z)
    assert (guided - ((1 - scale) * without + scale * with_z)).abs().max() < 1e-12


@pytest.mark.parametrize("batched", [True, False])
def test_gradients_pass_through_both_branches(batched):
    guided = ClassifierFreeGuidance(MODEL, 3.5, NEGATIVE, batched)
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(6))
    ours, truth = (
        method.value_and_grad(guided, sampler, X, Z, squared_distance(X[:1]), wrt=("x_T", "z", "theta"))
        for method in (DiscreteAdjoint(), Unrolled())
    )
    assert relative_error(ours.grads["x_T"], truth.grads["x_T"]) < 1e-12
    assert relative_error(ours.grads["z"], truth.grads["z"]) < 1e-12
    assert relative_error(ours.grads["theta"]["mix"], truth.grads["theta"]["mix"]) < 1e-12


@pytest.mark.parametrize(("batched", "sizes"), [(True, [4]), (False, [2, 2])])
def test_two_calls_in_turn_take_the_place_of_one_double_batch(batched, sizes):
    seen = []

    def model(t, x, z):
        seen.append(len(x))
        assert len(t) == len(x) == len(z)
        return MODEL(t, x, z)

    ClassifierFreeGuidance(model, 2.0, NEGATIVE, batched)(T, X, Z)
    assert seen == sizes


@pytest.mark.parametrize(("batched", "images"), [(True, 4), (False, 2)])
def test_two_calls_in_turn_hold_the_activations_of_one(batched, images):
    """Counted as the images whose saved activation is alive while a backward pass runs."""
    saved: list[weakref.ref] = []
    alive = []

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            activation = x.exp()
            saved.append(weakref.ref(activation))
            ctx.save_for_backward(activation)
            return activation.sin()

        @staticmethod
        def backward(ctx, g):
            (activation,) = ctx.saved_tensors
            alive.append(sum(len(a) for ref in saved if (a := ref()) is not None))
            return g * activation.cos() * activation

    x = X.clone().requires_grad_()
    guided = ClassifierFreeGuidance(lambda t, x, z: Watched.apply(x + z[:, :3, None, None]), 2.0, NEGATIVE, batched)
    (found,) = torch.autograd.grad(guided(T, x, Z).sum(), x)
    assert max(alive) == images
    assert found.abs().min() > 0


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("scale", [0.0, 1.0, 3.5])
def test_the_guided_gradient_equals_central_differences(scale, batched):
    guided = ClassifierFreeGuidance(MODEL, scale, NEGATIVE, batched)
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(5), order=2, family="data")
    loss_fn = squared_distance(X[:1])
    grads = DiscreteAdjoint().value_and_grad(guided, sampler, X, Z, loss_fn).grads

    def loss(x, z):
        with torch.no_grad():
            *_, image = sample(guided, sampler, x, z)
        return float(loss_fn(image).sum())

    u, v, h = normal(*X.shape, seed=5), normal(*Z.shape, seed=6), 1e-5
    numeric = (loss(X + h * u, Z + h * v) - loss(X - h * u, Z - h * v)) / (2 * h)
    assert float((grads["x_T"] * u).sum() + (grads["z"] * v).sum()) == pytest.approx(numeric, rel=1e-7)
    assert scale > 0 or not grads["z"].any()


def test_conditionings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="needs a conditioning z; got None"):
        ClassifierFreeGuidance(MODEL, 2.0, NEGATIVE)(T, X, None)
    with pytest.raises(ValueError, match=r"shape of z, \(2, 4\), or \(1, ...\); got \(2, 5\)"):
        ClassifierFreeGuidance(MODEL, 2.0, normal(2, 5))(T, X, Z)
