import math

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    HeunDiscreteScheduler,
    UniPCMultistepScheduler,
)

from adjointdeis import (
    ContinuousAdjoint,
    DiscreteAdjoint,
    Sampler,
    SubgridAdjoint,
    Unrolled,
    UnsuitedSampler,
    encode,
    grid_from_scheduler,
    sample,
    time_from_scheduler,
)
from adjointdeis.schedulers import SCHEDULERS, solver_from_scheduler
from benchmarks.schedulers import Case, compare
from tests.truth import Tangle, normal, relative_error, squared_distance


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


SIGMAS = {
    "linspace": {},
    "leading": {"timestep_spacing": "leading", "steps_offset": 1},
    "trailing": {"timestep_spacing": "trailing"},
    "karras": {"use_karras_sigmas": True},
    "lu": {"use_lu_lambdas": True},
    "exponential": {"use_exponential_sigmas": True},
    "beta": {"use_beta_sigmas": True},
    "flow, shifted": {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0},
}


def laid_out(kind, name, steps=10, **config):
    if name == "beta":
        pytest.importorskip("scipy")
    if name == "lu" and kind is not DPMSolverMultistepScheduler:
        pytest.skip("DPM-Solver's alone")
    scheduler = kind(**SIGMAS[name], **config)
    scheduler.set_timesteps(steps)
    return scheduler


@pytest.mark.parametrize("name", SIGMAS)
@pytest.mark.parametrize("kind", [DPMSolverMultistepScheduler, DEISMultistepScheduler, UniPCMultistepScheduler])
def test_every_spacing_of_sigmas_is_read(kind, name):
    scheduler = laid_out(kind, name)
    grid = grid_from_scheduler(scheduler)
    sigmas = scheduler.sigmas.tolist()
    repeated = sigmas[-1] == pytest.approx(sigmas[-2], rel=1e-6)
    expected = [*sigmas[:-2], sigmas[-1]] if repeated else sigmas
    assert repeated == (kind is DEISMultistepScheduler and name in ("karras", "exponential", "beta", "flow, shifted"))
    found = grid.sigma if name == "flow, shifted" else grid.rho
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["karras", "lu", "exponential", "beta"])
@pytest.mark.parametrize("final", ["scheduler", "sigma_min"])
@pytest.mark.parametrize("kind", [DPMSolverMultistepScheduler, UniPCMultistepScheduler])
def test_the_step_of_length_zero_that_ends_these_sigmas_is_dropped(kind, name, final):
    scheduler = laid_out(kind, name, final_sigmas_type="sigma_min" if final == "scheduler" else "zero")
    grid = grid_from_scheduler(scheduler, final)
    assert grid.steps == 9
    assert grid.rho[-1] < grid.rho[-2] * (1 - 1e-3)
    assert grid.rho[-1] == pytest.approx(math.sqrt(1 / float(scheduler.alphas_cumprod[0]) - 1), rel=1e-5)


@pytest.mark.parametrize("name", SIGMAS)
@pytest.mark.parametrize("family", ["noise", "data"])
def test_an_image_is_encoded_and_comes_back_on_every_spacing(name, family):
    sampler = Sampler.from_scheduler(
        laid_out(DPMSolverMultistepScheduler, name), sde=True, family=family, final="sigma_min"
    )
    image, model = normal(2, 3, 4, 4), Tangle(3)
    x_T, noises = encode(model, sampler, image, None, torch.Generator().manual_seed(3))
    *_, back = sample(model, sampler, x_T, None, noises)
    assert (back - image).abs().max() < 1e-9


@pytest.mark.parametrize("name", SIGMAS)
def test_final_zero_is_the_schedulers_own_zero(name):
    ends = [laid_out(DPMSolverMultistepScheduler, name, final_sigmas_type=end) for end in ("zero", "sigma_min")]
    own, asked = grid_from_scheduler(ends[0]), grid_from_scheduler(ends[1], "zero")
    assert asked.sigma[-1] == 0
    assert asked.rho == pytest.approx(own.rho, rel=1e-12)


def test_final_zero_is_refused_where_the_mathematics_does_not_allow_it():
    for kind in (DPMSolverMultistepScheduler, DEISMultistepScheduler):
        assert Sampler.from_scheduler(laid_out(kind, "karras"), final="zero").grid.sigma[-1] == 0
    scheduler = laid_out(DPMSolverMultistepScheduler, "karras")
    with pytest.raises(ValueError, match=r"cannot end at sigma = 0 .*final='sigma_min'"):
        Sampler.from_scheduler(scheduler, sde=True, family="noise", final="zero")
    with pytest.raises(ValueError, match=r"no noise to solve for.*final='sigma_min'"):
        encode(
            Tangle(3), Sampler.from_scheduler(scheduler, sde=True, family="data", final="zero"), normal(1, 3, 2), None
        )
    with pytest.raises(ValueError, match="final must be one of scheduler, sigma_min, zero; got 'clean'"):
        grid_from_scheduler(scheduler, "clean")


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_flow_with_a_shift_given_as_mu_is_the_flow_with_that_shift(shift):
    fixed, dynamic = (
        FlowMatchEulerDiscreteScheduler(shift=shift),
        FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    )
    sigmas = np.linspace(1, 0.1, 10)
    fixed.set_timesteps(sigmas=sigmas)
    dynamic.set_timesteps(sigmas=sigmas, mu=math.log(shift))
    grids = [grid_from_scheduler(s) for s in (fixed, dynamic)]
    assert grids[1].sigma == pytest.approx(grids[0].sigma, rel=1e-5)
    assert grids[1].sigma[1] == pytest.approx(shift * 0.9 / (1 + (shift - 1) * 0.9), rel=1e-5)


def test_all_known_schedulers_are_named_where_one_is_unknown():
    with pytest.raises(NotImplementedError) as refused:
        Sampler.from_scheduler(HeunDiscreteScheduler())
    assert all(name in str(refused.value) for name in SCHEDULERS)


def test_sigmas_that_are_no_grid_are_refused():
    flow = FlowMatchEulerDiscreteScheduler(invert_sigmas=True)
    flow.set_timesteps(5)
    with pytest.raises(NotImplementedError, match="runs from the image to the noise"):
        grid_from_scheduler(flow)
    with pytest.raises(ValueError, match="must not be negative; does the scheduler mix flow"):
        grid_from_scheduler(dpmsolver(use_flow_sigmas=True, use_karras_sigmas=True, prediction_type="flow_prediction"))


SAID = [
    (DPMSolverMultistepScheduler, {}, (False, 2, "data", "midpoint")),
    (DPMSolverMultistepScheduler, {"solver_order": 1}, (False, 1, "data", "midpoint")),
    (DPMSolverMultistepScheduler, {"solver_type": "heun"}, (False, 2, "data", "exact")),
    (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}, (True, 2, "data", "midpoint")),
    (DEISMultistepScheduler, {}, (False, 2, "noise", "exact")),
    (UniPCMultistepScheduler, {}, (False, 2, "data", "unipc-bh2")),
    (UniPCMultistepScheduler, {"predict_x0": False, "solver_type": "bh1"}, (False, 2, "noise", "unipc-bh1")),
    (DDPMScheduler, {"clip_sample": False}, (True, 1, "data", "midpoint")),
    (DDIMScheduler, {"clip_sample": False}, (False, 1, "noise", "midpoint")),
    (EulerDiscreteScheduler, {}, (False, 1, "noise", "midpoint")),
    (FlowMatchEulerDiscreteScheduler, {}, (False, 1, "flow", "midpoint")),
]


@pytest.mark.parametrize(("kind", "config", "said"), SAID, ids=lambda v: getattr(v, "__name__", str(v)))
def test_the_solver_of_a_scheduler_is_read(kind, config, said):
    scheduler = kind(**config)
    scheduler.set_timesteps(10)
    assert solver_from_scheduler(scheduler)[:4] == said
    sampler = Sampler.from_scheduler(scheduler)
    assert (sampler.sde, sampler.order) == said[:2]


@pytest.mark.parametrize(
    ("scheduler", "reason"),
    [
        (DPMSolverMultistepScheduler(solver_order=3), "solver_order=3: tables stop at order 2"),
        (DEISMultistepScheduler(solver_order=3), "solver_order=3"),
        (UniPCMultistepScheduler(solver_order=3), "solver_order=3"),
        (UniPCMultistepScheduler(disable_corrector=[0]), "disable_corrector"),
        (DDPMScheduler(clip_sample=False, variance_type="fixed_large"), "variance_type='fixed_large'"),
        (FlowMatchEulerDiscreteScheduler(stochastic_sampling=True), "stochastic_sampling=True"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_steps_without_a_table_are_refused_but_the_grid_can_be_used(scheduler, reason):
    scheduler.set_timesteps(10)
    with pytest.raises(NotImplementedError, match=reason):
        Sampler.from_scheduler(scheduler)
    assert Sampler.from_scheduler(scheduler, order=1).steps == 10


def test_times_between_the_nodes_are_the_trainings():
    scheduler = dpmsolver(20)
    time, grid = time_from_scheduler(scheduler), grid_from_scheduler(scheduler, "sigma_min")
    assert [time(value) for value in grid.log_snr] == pytest.approx(grid.times, abs=1e-3)
    between = 0.5 * (grid.log_snr[3] + grid.log_snr[4])
    assert grid.times[4] < time(between) < grid.times[3]
    assert (time(math.inf), time(-math.inf)) == (0, 999)
    # diffusers rounds the times of Karras sigmas
    karras = grid_from_scheduler(dpmsolver(20, use_karras_sigmas=True), "sigma_min")
    assert [time(value) for value in karras.log_snr] == pytest.approx(karras.times, abs=0.51)
    flow = FlowMatchEulerDiscreteScheduler(shift=3.0)
    flow.set_timesteps(7)
    grid = grid_from_scheduler(flow)
    assert [time_from_scheduler(flow)(value) for value in grid.log_snr] == pytest.approx(grid.times, rel=1e-6)


def test_continuous_training_times_are_refused():
    with pytest.raises(NotImplementedError, match="timestep_type='continuous'"):
        time_from_scheduler(EulerDiscreteScheduler(timestep_type="continuous"))
    with pytest.raises(NotImplementedError, match="HeunDiscreteScheduler is not supported"):
        time_from_scheduler(HeunDiscreteScheduler())


def test_a_known_schedule_is_interpolated_exactly_at_its_training_times():
    scheduler = dpmsolver(10)
    time = time_from_scheduler(scheduler)
    for t in (0, 1, 500, 999):
        alpha_bar = float(scheduler.alphas_cumprod[t])
        assert time(0.5 * math.log(alpha_bar / (1 - alpha_bar))) == pytest.approx(t, abs=1e-3)


ZERO_SNR = [
    (kind, spacing, prediction)
    for kind in (DDIMScheduler, DDPMScheduler)
    for spacing in ("linspace", "trailing")
    for prediction in ("v_prediction", "sample")
]


def zero_snr(kind, spacing, prediction, steps=10):
    scheduler = kind(
        rescale_betas_zero_snr=True, timestep_spacing=spacing, prediction_type=prediction, clip_sample=False
    )
    scheduler.set_timesteps(steps)
    return scheduler


@pytest.mark.parametrize(("kind", "spacing", "prediction"), ZERO_SNR)
@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_zero_terminal_snr_is_the_schedulers_own_loop(kind, spacing, prediction, steps):
    config = {"rescale_betas_zero_snr": True, "timestep_spacing": spacing, "prediction_type": prediction}
    result = compare(Case(kind.__name__, config, steps))
    assert (result.kind, result.difference) == ("equal", pytest.approx(0, abs=1e-9))


@pytest.mark.parametrize("kind", [DDIMScheduler, DDPMScheduler])
def test_an_epsilon_prediction_without_any_signal_is_refused_with_the_cure(kind):
    with pytest.raises(ValueError, match=r"alpha = 0 \(zero terminal SNR\); use v_prediction, .*leading"):
        Sampler.from_scheduler(zero_snr(kind, "trailing", "epsilon"))
    leading = kind(rescale_betas_zero_snr=True, timestep_spacing="leading", clip_sample=False)
    leading.set_timesteps(10)
    assert Sampler.from_scheduler(leading).grid.alpha[0] > 0


@pytest.mark.parametrize(("kind", "spacing", "prediction"), ZERO_SNR)
def test_an_image_is_encoded_without_loss_from_zero_terminal_snr(kind, spacing, prediction):
    sampler = Sampler.from_scheduler(zero_snr(kind, spacing, prediction), sde=True, family="data", final="sigma_min")
    assert sampler.grid.alpha[0] == 0
    image, model = normal(2, 3, 4, 4), Tangle(3)
    x_T, noises = encode(model, sampler, image, None, torch.Generator().manual_seed(3))
    *_, back = sample(model, sampler, x_T, None, noises)
    assert (back - image).abs().max() < 1e-9


@pytest.mark.parametrize(("kind", "spacing", "prediction"), ZERO_SNR)
@pytest.mark.parametrize("sde", [False, True])
def test_gradients_from_zero_terminal_snr_are_exact_or_refused(kind, spacing, prediction, sde):
    scheduler = zero_snr(kind, spacing, prediction)
    sampler = Sampler.from_scheduler(scheduler, sde=sde, family="data", final="sigma_min" if sde else "scheduler")
    model, x, wrt = Tangle(3).requires_grad_(False), normal(2, 3, 4, 4), ("x_T", "noises") if sde else ("x_T",)
    noises = sampler.draw_noises(x, torch.Generator().manual_seed(1)) if sde else None
    loss_fn = squared_distance(normal(2, 3, 4, 4, seed=5))
    truth = Unrolled().value_and_grad(model, sampler, x, None, loss_fn, noises, wrt)
    for method in (DiscreteAdjoint(), DiscreteAdjoint(checkpoints=3), SubgridAdjoint(steps=sampler.steps)):
        found = method.value_and_grad(model, sampler, x, None, loss_fn, noises, wrt)
        for name in wrt:
            assert relative_error(found.grads[name], truth.grads[name]) < 1e-9, (method, name)
    try:
        found = ContinuousAdjoint(order=1).value_and_grad(model, sampler, x, None, loss_fn, noises, wrt)
    except (UnsuitedSampler, ValueError) as refused:
        assert "alpha, which is 0" in str(refused)  # noqa: PT017 - either answer is right
    else:
        assert all(found.grads[name].isfinite().all() for name in wrt)


@pytest.mark.parametrize(
    "config",
    [
        {"use_karras_sigmas": True},
        {"use_exponential_sigmas": True},
        {"use_beta_sigmas": True},
        {"use_flow_sigmas": True, "prediction_type": "flow_prediction"},
    ],
    ids=lambda config: next(iter(config)),
)
@pytest.mark.parametrize("steps", [2, 3, 5, 10])
def test_unipcs_last_step_of_length_zero_corrects(config, steps):
    result = compare(Case("UniPCMultistepScheduler", {**config, "final_sigmas_type": "sigma_min"}, steps))
    assert (result.kind, result.difference) == ("equal", pytest.approx(0, abs=1e-9))


SLICED = [
    (DPMSolverMultistepScheduler, {}),
    (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
    (DPMSolverMultistepScheduler, {"use_exponential_sigmas": True}),
    (DPMSolverMultistepScheduler, {"use_beta_sigmas": True}),
    (DPMSolverMultistepScheduler, {"final_sigmas_type": "sigma_min"}),
    (DPMSolverMultistepScheduler, {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0}),
    (DEISMultistepScheduler, {}),
    (UniPCMultistepScheduler, {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}),
    (EulerDiscreteScheduler, {}),
    (FlowMatchEulerDiscreteScheduler, {"shift": 3.0}),
    (FlowMatchEulerDiscreteScheduler, {"use_karras_sigmas": True}),
]


@pytest.mark.parametrize("steps", [5, 20, 200])
@pytest.mark.parametrize(("kind", "config"), SLICED)
def test_timesteps_sliced_as_image_to_image_does_are_a_noise_level(kind, config, steps):
    whole, sliced = kind(**config), kind(**config)
    for scheduler in (whole, sliced):
        scheduler.set_timesteps(steps)
    sliced.timesteps = sliced.timesteps[2 * steps // 5 :]
    assert grid_from_scheduler(sliced) == grid_from_scheduler(whole).cut(0.6)
    assert Sampler.from_scheduler(sliced).rows == Sampler.from_scheduler(whole, noise_level=0.6).rows


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (DPMSolverMultistepScheduler, {}),
        (EulerDiscreteScheduler, {}),
        (EulerDiscreteScheduler, {"timestep_type": "continuous"}),
        (FlowMatchEulerDiscreteScheduler, {}),
    ],
)
def test_timesteps_that_are_no_slice_are_refused_with_both_lengths(kind, config):
    scheduler = kind(**config)
    scheduler.set_timesteps(10)
    scheduler.timesteps = scheduler.timesteps[::2]
    with pytest.raises(ValueError, match=r"has 5 timesteps but 11 sigmas.*give noise_level"):
        grid_from_scheduler(scheduler)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_sigmas_that_are_log_linear_are_read_by_their_index(steps):
    result = compare(Case("EulerDiscreteScheduler", {"interpolation_type": "log_linear"}, steps))
    assert result.kind == "equal"


CUSTOM = [
    (DDPMScheduler, {"timesteps": [900, 700, 300, 20]}),
    (DPMSolverMultistepScheduler, {"timesteps": [900, 700, 300, 20]}),
    (EulerDiscreteScheduler, {"timesteps": [900, 700, 300, 20]}),
    (EulerDiscreteScheduler, {"sigmas": [12.0, 5.0, 1.0, 0.1, 0.0]}),
    (EulerAncestralDiscreteScheduler, {}),
    (FlowMatchEulerDiscreteScheduler, {"sigmas": [1.0, 0.7, 0.2]}),
    (FlowMatchEulerDiscreteScheduler, {"timesteps": [1000.0, 700.0, 200.0]}),
    (UniPCMultistepScheduler, {"sigmas": np.array([0.9, 0.5, 0.2])}),
]


@pytest.mark.parametrize(("kind", "given"), CUSTOM, ids=lambda v: getattr(v, "__name__", str(v)))
def test_custom_timesteps_and_sigmas_are_the_schedulers_own_loop(kind, given):
    config = {"solver_order": 1} if kind is DPMSolverMultistepScheduler else {}
    flow = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"} if kind is UniPCMultistepScheduler else {}

    def make(case):
        clip = {"clip_sample": False} if kind is DDPMScheduler else {}
        scheduler = kind(**clip, **config, **flow)
        scheduler.set_timesteps(**(given or {"num_inference_steps": 4}))
        return scheduler

    result = compare(Case(kind.__name__, config, 5), make)
    assert result.kind == "equal", result
