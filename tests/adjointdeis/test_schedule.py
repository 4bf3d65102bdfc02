import itertools
import math

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    HeunDiscreteScheduler,
    UniPCMultistepScheduler,
)

from adjointdeis import Grid, LinearVP, grid_from_scheduler


def dpmsolver(steps: int = 10, **config):
    scheduler = DPMSolverMultistepScheduler(**config)
    scheduler.set_timesteps(steps)
    return scheduler


def test_nodes_are_those_the_scheduler_steps_through():
    for config in ({}, {"use_karras_sigmas": True}, {"use_lu_lambdas": True}, {"timestep_spacing": "trailing"}):
        scheduler = dpmsolver(**config)
        grid = grid_from_scheduler(scheduler)
        assert grid.times[:-1] == tuple(scheduler.timesteps.tolist())
        assert grid.rho == pytest.approx(scheduler.sigmas.tolist(), rel=1e-12)
        for alpha, sigma in zip(grid.alpha, grid.sigma, strict=True):
            assert alpha**2 + sigma**2 == pytest.approx(1, abs=1e-14)


def test_flow_nodes_have_alpha_and_sigma_adding_up_to_one():
    scheduler = dpmsolver(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0)
    grid = grid_from_scheduler(scheduler)
    assert grid.sigma == pytest.approx(scheduler.sigmas.tolist(), rel=1e-12)
    assert [a + s for a, s in zip(grid.alpha, grid.sigma, strict=True)] == pytest.approx([1.0] * 11)


@pytest.mark.parametrize("kind", [DEISMultistepScheduler, UniPCMultistepScheduler, EulerDiscreteScheduler])
def test_nodes_of_other_schedulers_are_their_sigmas(kind):
    scheduler = kind()
    scheduler.set_timesteps(7)
    grid = grid_from_scheduler(scheduler)
    assert grid.times[:-1] == tuple(scheduler.timesteps.tolist())
    assert grid.rho == pytest.approx(scheduler.sigmas.tolist(), rel=1e-12)


def test_flow_matching_starts_from_pure_noise():
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(7)
    grid = grid_from_scheduler(scheduler)
    assert grid.alpha[0] == pytest.approx(0, abs=1e-6)
    assert grid.sigma == pytest.approx(scheduler.sigmas.tolist(), rel=1e-12)


def test_ddim_nodes_come_from_its_cumulative_alphas():
    scheduler = DDIMScheduler(clip_sample=False)
    scheduler.set_timesteps(10)
    grid = grid_from_scheduler(scheduler)
    assert grid.times == (*scheduler.timesteps.tolist(), 0)
    alpha_bar = scheduler.alphas_cumprod[scheduler.timesteps].double()
    assert grid.alpha[:-1] == pytest.approx(alpha_bar.sqrt().tolist(), rel=1e-6)
    assert grid.sigma[-1] == 0


def test_final_sigma_min_ends_at_the_cleanest_training_time():
    scheduler = dpmsolver()
    assert grid_from_scheduler(scheduler).sigma[-1] == 0
    grid = grid_from_scheduler(scheduler, "sigma_min")
    assert grid.times[-1] == 0
    assert grid.alpha[-1] == pytest.approx(float(scheduler.alphas_cumprod[0].sqrt()), rel=1e-6)


def test_a_repeated_last_node_is_dropped():
    scheduler = dpmsolver(use_karras_sigmas=True, final_sigmas_type="sigma_min")
    assert scheduler.sigmas[-1] == pytest.approx(float(scheduler.sigmas[-2]))
    grid = grid_from_scheduler(scheduler)
    assert grid.steps == 9
    assert grid.rho[-1] < grid.rho[-2]


@pytest.mark.parametrize(
    ("level", "steps", "left_out"), [(0.9, 10, 1), (0.9, 20, 2), (0.9, 50, 5), (0.8, 10, 2), (0.3, 10, 7), (1, 10, 0)]
)
def test_cut_leaves_out_the_rounded_share(level, steps, left_out):
    grid = LinearVP().uniform_log_snr(steps)
    assert grid.cut(level).times == grid.times[left_out:]


def test_cut_keeps_at_least_one_step():
    assert LinearVP().uniform_log_snr(5).cut(0.01).steps == 1


@pytest.mark.parametrize("level", [0, -0.1, 1.01])
def test_cut_refuses_levels_out_of_range(level):
    with pytest.raises(ValueError, match=r"noise_level must be in \(0, 1\]"):
        LinearVP().uniform_log_snr(5).cut(level)


def test_log_snr_is_uniform_where_it_is_said_to_be():
    log_snr = LinearVP().uniform_log_snr(8, 1.0, 1e-3).log_snr
    steps = [b - a for a, b in itertools.pairwise(log_snr)]
    assert steps == pytest.approx([steps[0]] * 8)


def test_log_snr_and_rho_at_the_ends_of_the_range():
    grid = Grid((1.0, 0.5, 0.0), (0.0, 0.6, 1.0), (1.0, 0.8, 0.0))
    assert grid.rho == (math.inf, pytest.approx(4 / 3), 0)
    assert grid.log_snr == (-math.inf, pytest.approx(math.log(0.75)), math.inf)


def test_grids_refuse_what_is_not_a_grid():
    with pytest.raises(ValueError, match="one alpha and one sigma a time"):
        Grid((1, 0), (0.5,), (0.5, 0.1))
    with pytest.raises(ValueError, match="at least two nodes"):
        Grid((1,), (0.5,), (0.5,))
    with pytest.raises(ValueError, match=r"node 1 \(t = 1\) and node 2"):
        Grid((2, 1, 0), (0.1, 0.5, 0.5), (0.9, 0.5, 0.5))


def test_schedulers_that_cannot_be_read_are_refused_with_the_cure():
    with pytest.raises(NotImplementedError, match="HeunDiscreteScheduler is not supported; use one of DDIM"):
        grid_from_scheduler(HeunDiscreteScheduler())
    with pytest.raises(ValueError, match=r"call scheduler\.set_timesteps"):
        grid_from_scheduler(DPMSolverMultistepScheduler())
    with pytest.raises(NotImplementedError, match="thresholding=False"):
        grid_from_scheduler(dpmsolver(thresholding=True))


def test_clipping_is_left_out_with_a_warning():
    scheduler = DDIMScheduler()
    scheduler.set_timesteps(5)
    with pytest.warns(UserWarning, match="clip_sample=True"):
        grid_from_scheduler(scheduler)


def test_zero_terminal_snr_starts_from_almost_pure_noise():
    grid = grid_from_scheduler(dpmsolver(rescale_betas_zero_snr=True, timestep_spacing="trailing"))
    assert 0 < grid.alpha[0] < 1e-3
    assert torch.tensor(grid.alpha).isfinite().all()
