import weakref

import numpy as np
import pytest
import torch

from adjointdeis import ContinuousAdjoint, Grid, LinearVP, Sampler, sample
from adjointdeis.gradients.adjoint_grid import adjoint_grid
from adjointdeis.gradients.trajectory import Resolved
from adjointdeis.sample import call
from tests.truth import Tangle, mixture, normal, relative_error, squared_distance

X, Z = normal(2, 2, 2, 3), normal(2, 4, seed=1)
FAMILIES = {
    "SDE-DPM-Solver-1": {"sde": True},
    "SDE-DPM-Solver++(1)": {"sde": True, "family": "data"},
    "DDIM, eta = 0.5": {"eta": 0.5},
}


def solved_again(sampler, order=1, noises=None, steps=None, others=None):
    """x_T by Resolved, with the noises of the pass or others."""
    grid = adjoint_grid(sampler.grid, steps)
    found = Resolved(
        grid, sample(mixture(), sampler, X, Z, noises), sampler, noises if others is None else others, order
    )
    for j in reversed(range(grid.nodes.steps)):
        found.step_back(j, call(mixture(), grid.nodes.times[j + 1], found.at(j + 1), Z))
    return found.at(0)


@pytest.mark.parametrize("order", [1, 2])
def test_states_of_an_ode_are_solved_for_again_to_the_order_of_the_inversion(order):
    counts, errors = [40, 80, 160], []
    for n in counts:
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n, end=0.02), order=order)
        errors.append(relative_error(solved_again(sampler, order), X))
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(order, abs=0.35)


def test_a_coarser_grid_is_solved_on_its_own():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(160, end=0.02), order=2)
    errors = [relative_error(solved_again(sampler, 2, steps=m), X) for m in (40, 80, 160)]
    assert errors[2] < errors[1] < errors[0] < 0.5


@pytest.mark.parametrize("name", FAMILIES)
def test_states_of_an_sde_are_solved_for_again_with_its_own_noises(name):
    errors = []
    for n in (100, 400):
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n, 0.5, 0.05), **FAMILIES[name])
        w, other = (sampler.draw_noises(X, torch.Generator().manual_seed(seed)) for seed in (8, 9))
        errors.append(relative_error(solved_again(sampler, noises=w), X))
        assert relative_error(solved_again(sampler, noises=w, others=other), X) > 5 * errors[-1]
    assert errors[1] < 0.5 * errors[0] < 0.2


def test_states_in_float32_stay_so_beside_noises_in_float64():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(8), sde=True)
    x, z = X.float(), Z.float()
    grid, noises = adjoint_grid(sampler.grid, None), normal(8, *X.shape)
    found = Resolved(grid, sample(Tangle(2, 4), sampler, x, z, noises), sampler, noises, 1)
    found.step_back(7, x)
    assert found.image.dtype == found.at(7).dtype == torch.float32


def test_an_sde_is_solved_again_on_its_own_grid_only():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(8), sde=True)
    with pytest.raises(ValueError, match="An SDE's noises belong to its 8 steps"):
        ContinuousAdjoint(1, steps=4, trajectory="resolved").value_and_grad(
            mixture(), sampler, X, Z, squared_distance(0.0)
        )


@pytest.mark.parametrize(("trajectory", "most"), [("resolved", 3), ("stored", 22)])
def test_a_resolved_trajectory_keeps_no_states(trajectory, most):
    seen, alive = [], []

    def model(t, x, z):
        seen.append(weakref.ref(x))
        alive.append(sum(ref() is not None for ref in seen))
        return 0.5 * x

    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(20))
    ContinuousAdjoint(1, trajectory=trajectory).value_and_grad(model, sampler, X, None, squared_distance(0.0))
    assert most - 2 <= max(alive) <= most


def test_a_last_node_without_noise_is_left_again():
    grid = Grid((3, 2, 1, 0), (0.1, 0.5, 0.9, 1.0), (0.995, 0.866, 0.436, 0.0))
    sampler = Sampler.from_grid(grid, lower_order_final=True)
    found = ContinuousAdjoint(2, trajectory="resolved").value_and_grad(
        lambda t, x, z: 0.1 * torch.tanh(x), sampler, X, None, squared_distance(0.0)
    )
    assert found.grads["x_T"].isfinite().all()
