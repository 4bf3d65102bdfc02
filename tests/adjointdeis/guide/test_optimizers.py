import pytest
import torch

from adjointdeis.guide.optimizers import OPTIMIZERS, Recipe
from tests.truth import normal


def variables():
    return {"x_T": normal(2, 3), "z": normal(2, 4, seed=1)}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_name_is_torchs_own_at_the_given_rate(name):
    built = Recipe(name, 0.5).build(variables(), share=0.25)
    assert type(built).__name__.lower() == name
    assert {group["lr"] for group in built.param_groups} == {0.125}


def test_each_variable_may_have_its_own_rate():
    built = Recipe("sgd", {"x_T": 1, "z": 2.0}).build(variables())
    assert [group["lr"] for group in built.param_groups] == [1.0, 2.0]


def test_a_function_of_the_groups_may_build_it():
    built = Recipe(lambda groups: torch.optim.SGD(groups, momentum=0.9), 0.1).build(variables())
    assert built.param_groups[1]["momentum"] == 0.9


def test_wrong_names_and_rates_are_refused():
    with pytest.raises(ValueError, match="optimizer must be one of adam, adamw, lbfgs, sgd, or a function; got 'lion'"):
        Recipe("lion", 0.1)
    with pytest.raises(ValueError, match="lr must be above 0 for every variable; got None for z"):
        Recipe("adam", {"x_T": 0.1}).build(variables())
    with pytest.raises(ValueError, match="lr must be above 0 for every variable; got -1 for x_T"):
        Recipe("adam", -1).build(variables())
    with pytest.raises(ValueError, match=r"L-BFGS takes one rate for all variables; got \[0.1, 0.2\]"):
        Recipe("lbfgs", {"x_T": 0.1, "z": 0.2}).build(variables())
