import pytest
import torch

from adjointdeis import CountedModel, DiscreteAdjoint, LinearVP, Sampler
from adjointdeis.gradients.off_the_shelf import OffTheShelf
from adjointdeis.gradients.problem import Problem
from adjointdeis.gradients.reversible import Reversible
from adjointdeis.guide.evaluation import Evaluator
from adjointdeis.guide.objective import Objective
from adjointdeis.guide.variables import Variables
from tests.truth import Tangle, normal, squared_distance

ODE = Sampler.from_grid(LinearVP().uniform_log_snr(4))
X, Z = normal(3, 2, 2, 3), normal(3, 4, seed=1)
NEAR = squared_distance(normal(3, 2, 2, 3, seed=2))


def evaluator(loss_fn=NEAR, x_T=X, gradient=DiscreteAdjoint()):
    counted, objective = CountedModel(Tangle(2, 4)), Objective(loss_fn)
    variables = Variables(Problem(counted, ODE, x_T, Z[: len(x_T)], objective))
    return counted, variables, Evaluator(variables, objective, gradient)


def test_an_evaluation_is_cached_until_a_variable_changes():
    counted, variables, evaluate = evaluator()
    first, again = evaluate(), evaluate()
    assert again is first
    assert evaluate(with_gradient=False) is first
    assert counted.calls == 2 * ODE.steps
    variables["z"][0, 0] += 1e-9
    assert evaluate() is not first
    assert counted.calls == 4 * ODE.steps


def test_a_cached_sample_without_gradient_is_not_used_where_one_is_needed():
    counted, _, evaluate = evaluator()
    plain = evaluate(with_gradient=False)
    assert (plain.grads, counted.calls) == ({}, ODE.steps)
    assert set(evaluate().grads) == {"x_T", "z"}
    assert torch.equal(evaluate().loss, plain.loss)


@pytest.mark.parametrize("gradient", [Reversible(), OffTheShelf("midpoint")])
def test_a_method_with_a_sampler_of_its_own_gives_the_image_with_and_without_gradient(gradient):
    evaluate = evaluator(gradient=gradient)[2]
    plain, full = evaluate(with_gradient=False), evaluate()
    assert torch.equal(plain.image, full.image)
    assert not torch.equal(plain.image, evaluator()[2]().image)


@pytest.mark.parametrize("with_gradient", [True, False])
def test_each_image_is_marked_finite_or_not(with_gradient):
    broken = X.clone()
    broken[2, 0, 0, 0] = float("inf")
    found = evaluator(x_T=broken)[2](with_gradient)
    assert found.finite.tolist() == [True, True, False]
    assert (found.error is not None) == with_gradient
    found = evaluator(lambda image: NEAR(image) + torch.tensor([0, float("nan"), 0]))[2](with_gradient)
    assert found.finite.tolist() == [True, False, True]


def test_a_gradient_that_is_not_finite_counts_though_the_loss_is():
    def cusp(image):
        return NEAR(image) + torch.tensor([0, 1, 0]) * (image - image.detach()).flatten(1).norm(dim=1).sqrt()

    found = evaluator(cusp)[2]()
    assert found.loss.isfinite().all()
    assert not found.finite[1]


@pytest.mark.parametrize("with_gradient", [True, False])
def test_a_single_value_that_is_not_finite_marks_its_image(with_gradient):
    one = squared_distance(normal(1, 2, 2, 3, seed=2))
    broken = X[:1].clone()
    broken[0, 0, 0, 0] = float("inf")
    assert evaluator(lambda x: one(x)[0], broken)[2](with_gradient).finite.tolist() == [False]
    assert evaluator(lambda x: one(x)[0] * float("nan"), X[:1])[2](with_gradient).finite.tolist() == [False]
    assert evaluator(lambda x: one(x)[0], X[:1])[2](with_gradient).finite.tolist() == [True]
