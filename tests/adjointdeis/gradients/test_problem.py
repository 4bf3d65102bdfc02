from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from adjointdeis import LinearVP, Sampler
from adjointdeis.gradients.problem import Problem
from adjointdeis.shapes import Scheduled
from tests.truth import Tangle, normal, squared_distance

GRID = LinearVP().uniform_log_snr(6)
ODE, SDE = Sampler.from_grid(GRID), Sampler.from_grid(GRID, sde=True)
X, Z, W = normal(2, 2, 2, 3), normal(2, 4, seed=1), normal(6, 2, 2, 2, 3, seed=2)


def problem(sampler=ODE, z=Z, noises=None, wrt=("x_T", "z")):
    return Problem(Tangle(2, 4), sampler, X, z, squared_distance(0.0), noises, wrt)


def test_noises_are_stacked_and_drawn_once_where_an_sde_has_none():
    assert problem().w is None
    assert torch.equal(problem(SDE, noises=list(W)).w, W)
    drawn = problem(SDE)
    assert drawn.w.shape == W.shape
    assert replace(drawn, x_T=X + 1).w is drawn.w


def test_its_states_are_those_of_the_sampler():
    one = problem(SDE, noises=W)
    *_, image = one.states()
    *_, again = replace(one, z=Scheduled(Z.expand(6, 2, 4))).states()
    assert torch.equal(image, again)


def test_memory_for_the_noises_gradient_is_taken_where_it_is_requested():
    assert problem(SDE, noises=W).empty_noise_gradient() is None
    assert problem(SDE, noises=W, wrt=("noises",)).empty_noise_gradient().shape == W.shape
    assert problem().empty_noise_gradient() is None


def test_a_wrong_request_is_refused_when_it_is_made():
    with pytest.raises(ValueError, match="wrt may name x_T, z, noises, theta; got 'w'"):
        problem(wrt=("w",))
    with pytest.raises(ValueError, match="An ODE sampler takes no noises"):
        problem(noises=W)
    with pytest.raises(ValueError, match=r"noises must be .*; got \(5, 2, 2, 2, 3\)"):
        problem(SDE, noises=W[1:])
    with pytest.raises(ValueError, match="needs one z a step, 6 in all; got 5"):
        replace(problem(), z=Scheduled(normal(5, 2, 4)))


def test_a_problem_does_not_change():
    with pytest.raises(FrozenInstanceError):
        problem().z = None
