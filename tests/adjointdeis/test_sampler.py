import itertools
import math

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
)

from adjointdeis import Grid, LinearVP, Sampler, sample
from tests.truth import Tangle, normal

CONFIGS = {
    "dpmsolver-1": ({"algorithm_type": "dpmsolver", "solver_order": 1, "final_sigmas_type": "sigma_min"}, False),
    "dpmsolver-2M": ({"algorithm_type": "dpmsolver", "solver_order": 2, "final_sigmas_type": "sigma_min"}, False),
    "dpmsolver++-1": ({"algorithm_type": "dpmsolver++", "solver_order": 1}, False),
    "dpmsolver++-2M": ({"algorithm_type": "dpmsolver++", "solver_order": 2}, False),
    "dpmsolver++-2M, no lower order": (
        {"solver_order": 2, "lower_order_final": False, "final_sigmas_type": "sigma_min"},
        False,
    ),
    "dpmsolver++-2M, euler at final": (
        {"solver_order": 2, "euler_at_final": True, "final_sigmas_type": "sigma_min"},
        False,
    ),
    "sde-dpmsolver-1": ({"algorithm_type": "sde-dpmsolver", "solver_order": 1, "final_sigmas_type": "sigma_min"}, True),
    "sde-dpmsolver++-1": ({"algorithm_type": "sde-dpmsolver++", "solver_order": 1}, True),
    "sde-dpmsolver++-2M": ({"algorithm_type": "sde-dpmsolver++", "solver_order": 2}, True),
}
GRIDS = {
    "linspace": {},
    "karras": {"use_karras_sigmas": True},
    "trailing": {"timestep_spacing": "trailing"},
    "flow": {"use_flow_sigmas": True, "prediction_type": "flow_prediction"},
    "v": {"prediction_type": "v_prediction"},
    "sample": {"prediction_type": "sample"},
}


@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("steps", [6, 16])
def test_every_step_equals_diffusers_own(name, grid, steps):
    config, sde = CONFIGS[name]
    if grid == "flow" and not config.get("algorithm_type", "dpmsolver++").endswith("++"):
        pytest.skip("diffusers converts flow predictions in the data family only")
    scheduler = DPMSolverMultistepScheduler(**config, **GRIDS[grid])
    if scheduler.config.use_karras_sigmas and scheduler.config.final_sigmas_type == "sigma_min":
        pytest.skip("diffusers divides by the length of its repeated last step")
    scheduler.set_timesteps(steps)
    sampler = Sampler.from_scheduler(scheduler, sde=sde, order=scheduler.config.solver_order)
    model, x = Tangle(3).requires_grad_(False), normal(2, 3, 2, 2)
    noises = sampler.draw_noises(x, torch.Generator().manual_seed(5)) if sde else None
    for i, (x_s, x_t) in enumerate(_pairs(sample(model, sampler, x, None, noises))):
        time = scheduler.timesteps[i]
        output = model(torch.full((2,), int(time)), x_s, None)
        theirs = scheduler.step(output, time, x_s, variance_noise=None if noises is None else noises[i]).prev_sample
        # the noise of their own float32 coefficients, not of the method, is what is left
        assert (x_t - theirs).abs().max() < 2e-5 * max(1.0, float(theirs.abs().max())), f"step {i}"


def _pairs(states):
    states = list(states)
    return list(itertools.pairwise(states))


def test_ddim_scheduler_steps_are_equal_too():
    scheduler = DDIMScheduler(clip_sample=False)
    scheduler.set_timesteps(8)
    sampler = Sampler.from_scheduler(scheduler)
    model, x = Tangle(3), normal(2, 3, 2, 2)
    for i, (x_s, x_t) in enumerate(_pairs(sample(model, sampler, x, None))):
        time = scheduler.timesteps[i]
        theirs = scheduler.step(model(torch.full((2,), int(time)), x_s, None), time, x_s).prev_sample
        assert (x_t - theirs).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("scheduler", "scaled"),
    [
        (DEISMultistepScheduler(solver_order=1), False),
        (FlowMatchEulerDiscreteScheduler(shift=3.0), False),
        (EulerDiscreteScheduler(timestep_spacing="trailing"), True),
        (EulerDiscreteScheduler(use_karras_sigmas=True, prediction_type="v_prediction"), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_first_order_steps_of_other_schedulers_are_equal_too(scheduler, scaled):
    """Euler's states are x / alpha, and it scales them itself before the network sees them."""
    scheduler.set_timesteps(8)
    sampler = Sampler.from_scheduler(scheduler)
    model, x = Tangle(3).requires_grad_(False), normal(2, 3, 2, 2)
    rho = sampler.grid.rho
    for i, (x_s, x_t) in enumerate(_pairs(sample(model, sampler, x, None))):
        time = scheduler.timesteps[i]
        output = model(torch.full((2,), float(time), dtype=x.dtype), x_s, None)
        scale_s, scale_t = (math.sqrt(1 + r * r) if scaled else 1.0 for r in rho[i : i + 2])
        theirs = scheduler.step(output, time, x_s * scale_s).prev_sample / scale_t
        assert (x_t - theirs).abs().max() < 2e-5 * max(1.0, float(theirs.abs().max())), f"step {i}"


def test_ancestral_sampling_is_the_first_order_sde_of_the_data_family():
    scheduler = DDPMScheduler(clip_sample=False)
    scheduler.set_timesteps(10)
    sampler = Sampler.from_scheduler(scheduler, sde=True)
    model, x = Tangle(3).requires_grad_(False), normal(2, 3, 2, 2)
    noises = torch.stack([normal(2, 3, 2, 2, seed=i) for i in range(10)])
    for i, (x_s, x_t) in enumerate(_pairs(sample(model, sampler, x, None, noises))):
        time = scheduler.timesteps[i]
        output = model(torch.full((2,), int(time)), x_s, None)
        theirs = scheduler.step(output, time, x_s, generator=torch.Generator().manual_seed(i)).prev_sample
        assert (x_t - theirs).abs().max() < 1e-5, f"step {i}"


@pytest.mark.parametrize(("order", "family"), [(1, "noise"), (2, "noise"), (2, "data")])
def test_order_of_convergence(order, family):
    """Against the closed-form flow of a Gaussian."""
    from tests.truth import gaussian

    world, x, z = gaussian(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    counts, errors = [40, 80, 160, 320], []
    for n in counts:
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n), order=order, family=family)
        *_, image = sample(world, sampler, x, z)
        errors.append(float((image - world.flow(sampler.grid, x, z)).abs().max()))
    slope = (math.log(errors[-1]) - math.log(errors[-2])) / (math.log(counts[-2]) - math.log(counts[-1]))
    assert slope == pytest.approx(order, abs=0.15)


def test_both_families_take_the_same_first_order_step():
    grid, x = LinearVP().uniform_log_snr(6), normal(2, 3, 2, 2)
    model = Tangle(3)
    samples = [list(sample(model, Sampler.from_grid(grid, family=f), x, None))[-1] for f in ("noise", "data")]
    assert (samples[0] - samples[1]).abs().max() < 1e-12


def test_first_order_needs_no_division_at_pure_noise_and_at_the_image():
    grid = Grid((999, 500, 0), (0.0, 0.6, 1.0), (1.0, 0.8, 0.0))
    sampler = Sampler.from_grid(grid, prediction_type="v_prediction")
    assert all(math.isfinite(number) for row in sampler.rows for number in (row.A, *row.B))


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
    whole, part = (Sampler.from_scheduler(scheduler, noise_level=level) for level in (1.0, 0.6))
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
    with pytest.raises(NotImplementedError, match="no second-order SDE sampler in the noise family"):
        Sampler.from_scheduler(scheduler, sde=True, order=2)
    with pytest.raises(ValueError, match="order must be 1 or 2; got 3"):
        Sampler.from_scheduler(scheduler, order=3)
    with pytest.raises(ValueError, match="prediction_type must be one of"):
        Sampler.from_scheduler(scheduler, prediction_type="score")
    heun = DPMSolverMultistepScheduler(solver_type="heun")
    heun.set_timesteps(5)
    with pytest.raises(NotImplementedError, match="solver_type='midpoint'"):
        Sampler.from_scheduler(heun, order=2)
    grid = LinearVP().uniform_log_snr(5)
    with pytest.raises(ValueError, match="family must be"):
        Sampler.from_grid(grid, family="score")
    clean = Grid((2, 1, 0), (0.1, 0.6, 1.0), (0.99, 0.8, 0.0))
    with pytest.raises(ValueError, match="second-order step cannot end at sigma = 0"):
        Sampler.from_grid(clean, order=2)
    noisy = Grid((2, 1, 0), (0.0, 0.6, 0.9), (1.0, 0.8, 0.1))
    with pytest.raises(ValueError, match="noise family divides by alpha"):
        Sampler.from_grid(noisy, order=2, prediction_type="v_prediction")
