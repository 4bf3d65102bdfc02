import pytest
import torch

from adjointdeis import ClassifierFreeGuidance, DiscreteAdjoint, LinearVP, Sampler, Unrolled
from tests.truth import Tangle, normal, relative_error, squared_distance

MODEL = Tangle(3, 4).double()
X, Z, NEGATIVE, T = normal(2, 3, 2, 2), normal(2, 4, seed=1), normal(1, 4, seed=2), torch.full((2,), 400)


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.5])
def test_output_is_the_two_branches_combined(scale):
    guided = ClassifierFreeGuidance(MODEL, scale, NEGATIVE)(T, X, Z)
    without, with_z = MODEL(T, X, NEGATIVE.expand(2, -1)), MODEL(T, X, Z)
    assert (guided - ((1 - scale) * without + scale * with_z)).abs().max() < 1e-12


def test_gradients_pass_through_both_branches():
    guided = ClassifierFreeGuidance(MODEL, 3.5, NEGATIVE)
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(6))
    ours, truth = (
        method.value_and_grad(guided, sampler, X, Z, squared_distance(X[:1]), wrt=("x_T", "z", "theta"))
        for method in (DiscreteAdjoint(), Unrolled())
    )
    assert relative_error(ours.grads["x_T"], truth.grads["x_T"]) < 1e-12
    assert relative_error(ours.grads["z"], truth.grads["z"]) < 1e-12
    assert relative_error(ours.grads["theta"]["mix"], truth.grads["theta"]["mix"]) < 1e-12


def test_conditionings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="needs a conditioning z; got None"):
        ClassifierFreeGuidance(MODEL, 2.0, NEGATIVE)(T, X, None)
    with pytest.raises(ValueError, match=r"shape of z, \(2, 4\), or \(1, ...\); got \(2, 5\)"):
        ClassifierFreeGuidance(MODEL, 2.0, normal(2, 5))(T, X, Z)
