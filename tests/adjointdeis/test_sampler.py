import pytest
import torch
from diffusers import (
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
)

from adjointdeis import Grid, LinearVP, Sampler
from tests.truth import normal


def test_the_family_is_the_schedulers_unless_it_is_named():
    scheduler = DPMSolverMultistepScheduler(algorithm_type="sde-dpmsolver++")
    scheduler.set_timesteps(6)
    own, named = (Sampler.from_scheduler(scheduler, sde=True, family=f, final="sigma_min") for f in (None, "noise"))
    data, noise = (Sampler.from_grid(own.grid, sde=True, family=f) for f in ("data", "noise"))
    assert own.rows == data.rows
    assert named.rows == noise.rows
    plain = DPMSolverMultistepScheduler()
    plain.set_timesteps(6)
    assert Sampler.from_scheduler(plain, sde=True, final="sigma_min").rows == noise.rows


def test_a_noise_level_starts_later_on_the_same_grid():
    scheduler = DPMSolverMultistepScheduler()
    scheduler.set_timesteps(10)
    whole, part = (Sampler.from_scheduler(scheduler, order=1, noise_level=level) for level in (1.0, 0.6))
    assert part.rows == whole.rows[4:]
    assert part.steps == 6


def test_fresh_noises_follow_the_generator():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(5, end=0.01), sde=True)
    x = normal(2, 3, 4, 4)
    first, again = (sampler.draw_noises(x, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == (5, 2, 3, 4, 4)
    assert first.dtype == x.dtype


def test_what_has_no_table_is_refused_with_the_reason():
    scheduler = DPMSolverMultistepScheduler()
    scheduler.set_timesteps(5)
    with pytest.raises(ValueError, match="cannot end at sigma = 0"):
        Sampler.from_scheduler(scheduler, sde=True)
    with pytest.raises(ValueError, match="cannot end at sigma = 0"):
        Sampler.from_scheduler(scheduler, sde=True, order=2)
    with pytest.raises(ValueError, match="order must be 1 or 2; got 3"):
        Sampler.from_scheduler(scheduler, order=3)
    with pytest.raises(ValueError, match="prediction_type must be one of"):
        Sampler.from_scheduler(scheduler, prediction_type="score")
    grid = LinearVP().uniform_log_snr(5)
    with pytest.raises(ValueError, match="family must be one of noise, data, flow; got 'score'"):
        Sampler.from_grid(grid, family="score")
    clean = Grid((2, 1, 0), (0.1, 0.6, 1.0), (0.99, 0.8, 0.0))
    with pytest.raises(ValueError, match="second-order step cannot end at sigma = 0"):
        Sampler.from_grid(clean, order=2)
    noisy = Grid((2, 1, 0), (0.0, 0.6, 0.9), (1.0, 0.8, 0.1))
    with pytest.raises(ValueError, match="noise family divides by alpha"):
        Sampler.from_grid(noisy, order=2, prediction_type="v_prediction")
    with pytest.raises(ValueError, match="multistep must be one of midpoint, exact, unipc-bh1, unipc-bh2; got 'heun'"):
        Sampler.from_grid(grid, order=2, multistep="heun")
    with pytest.raises(ValueError, match=r"eta must be in \[0, 1\]; got 1.5"):
        Sampler.from_grid(grid, eta=1.5)
    with pytest.raises(NotImplementedError, match="eta belongs to DDIM"):
        Sampler.from_grid(grid, eta=0.5, order=2)
    with pytest.raises(NotImplementedError, match="UniPC is an ODE sampler"):
        Sampler.from_grid(grid, sde=True, multistep="unipc-bh2")
    with pytest.raises(NotImplementedError, match="neither an SDE nor UniPC"):
        Sampler.from_grid(grid, sde=True, family="flow")
    with pytest.raises(ValueError, match=r"'flow_prediction' needs alpha \+ sigma = 1, .* use a flow-matching"):
        Sampler.from_grid(grid, prediction_type="flow_prediction")
    with pytest.raises(ValueError, match=r"'v_prediction' needs alpha\^2 \+ sigma\^2 = 1"):
        Sampler.from_grid(Grid((1, 0), (0.5, 0.9), (0.5, 0.1)), prediction_type="v_prediction")
    with pytest.raises(ValueError, match=r"alpha \+ sigma = 1 at every node"):
        Sampler.from_grid(grid, order=2, family="flow")


def test_a_named_method_is_taken_on_the_schedulers_grid_and_the_rest_stays_at_its_default():
    unipc = UniPCMultistepScheduler()
    unipc.set_timesteps(6)
    grid = Sampler.from_scheduler(unipc).grid
    assert Sampler.from_scheduler(unipc, order=1).rows == Sampler.from_grid(grid).rows
    plain = Sampler.from_grid(grid, order=2, family="data", lower_order_final=True)
    assert Sampler.from_scheduler(unipc, order=2).rows == plain.rows
    named = Sampler.from_scheduler(unipc, order=2, multistep="unipc-bh2")
    assert named.rows == Sampler.from_scheduler(unipc).rows != plain.rows
    deis = DEISMultistepScheduler()
    deis.set_timesteps(6)
    assert Sampler.from_scheduler(deis, order=2).rows == Sampler.from_scheduler(deis).rows
    assert Sampler.from_scheduler(deis, sde=True).sde


def test_the_second_order_of_a_flow_is_its_own_family():
    flow = FlowMatchEulerDiscreteScheduler(shift=2.0)
    flow.set_timesteps(6)
    sampler = Sampler.from_scheduler(flow, order=2)
    table = Sampler.from_grid(sampler.grid, order=2, family="flow", prediction_type="flow_prediction")
    assert sampler.rows == table.rows
    assert len(sampler.rows[-1].B) == 2
