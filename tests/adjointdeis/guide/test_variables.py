import pytest
import torch

from adjointdeis.guide.variables import Variables
from adjointdeis.shapes import Scheduled
from tests.truth import normal, problem

X, Z, W = normal(3, 2, 4, 4), normal(3, 5, seed=1), normal(6, 3, 2, 4, 4, seed=2)


def test_they_are_copies_and_what_does_not_move_stays_the_callers():
    variables = Variables(problem(X, Z, W, ("z", "noises")))
    variables.put({"z": Z + 1, "noises": W * 2})
    now = variables.now()
    assert now.x_T is X
    assert torch.equal(now.z, Z + 1)
    assert torch.equal(now.w, W * 2)
    assert torch.equal(W, normal(6, 3, 2, 4, 4, seed=2))


@pytest.mark.parametrize(
    ("name", "z", "axis"), [("x_T", Z, 0), ("z", Z, 0), ("noises", Z, 1), ("z", Scheduled(normal(6, 3, 5)), 1)]
)
def test_every_image_has_its_part_on_the_right_axis(name, z, axis):
    variables = Variables(problem(X, z, W, ("x_T", "z", "noises")))
    v = variables[name]
    for i in range(3):
        assert torch.equal(variables.rows(name, v)[i], v.select(axis, i).flatten())
    scaled = v * variables.spread(name, torch.tensor([0.0, 1.0, 2.0]))
    assert torch.equal(scaled.select(axis, 2), 2 * v.select(axis, 2))
    assert not scaled.select(axis, 0).any()
    assert not variables.coupled


@pytest.mark.parametrize("z", [normal(5), normal(), Scheduled(normal(6, 1, 5))])
def test_a_conditioning_without_the_batchs_axis_is_shared(z):
    variables = Variables(problem(X, z, None, ("x_T", "z")))
    assert variables.coupled
    assert variables.lengths("z", variables["z"]).shape == (1,)
    assert variables.spread("z", torch.tensor([0.0, 0.5, 1.0])) == 0.5
    assert variables.spread("z", torch.zeros(3)) == 0
    assert type(variables.now().z) is type(z)


def test_a_single_image_shares_with_nobody():
    assert not Variables(problem(X[:1], normal(5), None, ("z",))).coupled


def test_what_cannot_be_steered_is_refused():
    with pytest.raises(ValueError, match="nothing to optimise: wrt names only z, and z is None"):
        Variables(problem(X, None, None, ("z",)))
    with pytest.raises(ValueError, match=r"x_T is torch.float16.*steer x_T.float\(\)"):
        Variables(problem(X.half(), Z, None, ("x_T",)))
