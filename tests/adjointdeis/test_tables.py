"""The rows, against diffusers' own steps where it takes them, and against the truth where it does not."""

import itertools
import math

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
)

from adjointdeis import DiscreteAdjoint, Grid, LinearVP, Sampler, Unrolled, sample
from tests.truth import Tangle, gaussian, mixture, normal, relative_error, squared_distance

DPM, DEIS, UNIPC = DPMSolverMultistepScheduler, DEISMultistepScheduler, UniPCMultistepScheduler
END = {"final_sigmas_type": "sigma_min"}
KINDS = {
    "dpmsolver-1": (DPM, {"algorithm_type": "dpmsolver", "solver_order": 1, **END}),
    "dpmsolver-2M": (DPM, {"algorithm_type": "dpmsolver", **END}),
    "dpmsolver-2M, heun": (DPM, {"algorithm_type": "dpmsolver", "solver_type": "heun", **END}),
    "dpmsolver++-1": (DPM, {"solver_order": 1}),
    "dpmsolver++-2M": (DPM, {}),
    "dpmsolver++-2M, heun": (DPM, {"solver_type": "heun"}),
    "dpmsolver++-2M, no lower order": (DPM, {"lower_order_final": False, **END}),
    "dpmsolver++-2M, euler at final": (DPM, {"euler_at_final": True, **END}),
    "sde-dpmsolver-1": (DPM, {"algorithm_type": "sde-dpmsolver", "solver_order": 1, **END}),
    "sde-dpmsolver-2M": (DPM, {"algorithm_type": "sde-dpmsolver", **END}),
    "sde-dpmsolver-2M, heun": (DPM, {"algorithm_type": "sde-dpmsolver", "solver_type": "heun", **END}),
    "sde-dpmsolver++-1": (DPM, {"algorithm_type": "sde-dpmsolver++", "solver_order": 1}),
    "sde-dpmsolver++-2M": (DPM, {"algorithm_type": "sde-dpmsolver++"}),
    "sde-dpmsolver++-2M, heun": (DPM, {"algorithm_type": "sde-dpmsolver++", "solver_type": "heun"}),
    "deis-1": (DEIS, {"solver_order": 1}),
    "deis-2": (DEIS, {}),
    "deis-2, no lower order": (DEIS, {"lower_order_final": False}),
    "unipc-1": (UNIPC, {"solver_order": 1}),
    "unipc-2": (UNIPC, {}),
    "unipc-2, B1": (UNIPC, {"solver_type": "bh1", **END}),  # diffusers' own ends at nan where sigma = 0
    "unipc-2, no lower order": (UNIPC, {"lower_order_final": False, **END}),
    "unipc-2 in eps": (UNIPC, {"predict_x0": False, **END}),
    "unipc-2 in eps, B1": (UNIPC, {"predict_x0": False, "solver_type": "bh1", **END}),
}
GRIDS = {
    "linspace": {},
    "karras": {"use_karras_sigmas": True},
    "beta": {"use_beta_sigmas": True},
    "flow": {"use_flow_sigmas": True, "prediction_type": "flow_prediction"},
    "v": {"prediction_type": "v_prediction"},
    "sample": {"prediction_type": "sample"},
}


def follow(scheduler, sampler, tolerance=2e-5, scaled=False, **given):
    """Take every step from our own state by the scheduler, too. Noise of its float32 coefficients is what is left.

    `scaled`: the scheduler's states are x / alpha.
    """
    model, x = Tangle(3).requires_grad_(False), normal(2, 3, 2, 2)
    noises = torch.stack([normal(*x.shape, seed=i) for i in range(sampler.steps)]) if sampler.sde else None
    rho = sampler.grid.rho
    states = sample(model, sampler, x, None, noises)
    for i, (x_s, x_t) in enumerate(itertools.pairwise(states)):
        time = scheduler.timesteps[i]
        output = model(torch.full((2,), float(time), dtype=x.dtype), x_s, None)
        scale_s, scale_t = (math.sqrt(1 + r * r) if scaled else 1.0 for r in rho[i : i + 2])
        noise = {} if noises is None else {"variance_noise": noises[i]}
        if isinstance(scheduler, DDPMScheduler):
            noise = {"generator": torch.Generator().manual_seed(i)}
        theirs = scheduler.step(output, time, x_s * scale_s, **noise, **given).prev_sample / scale_t
        size = max(1.0, float(x_s.abs().max()), float(theirs.abs().max()))
        assert (x_t - theirs).abs().max() < tolerance * size, f"step {i}"


@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("steps", [6, 16])
def test_every_step_of_the_schedulers_own_sampler_equals_diffusers_own(name, grid, steps):
    kind, config = KINDS[name]
    if grid == "beta":
        pytest.importorskip("scipy")
    if grid == "flow" and (config.get("predict_x0") is False or not config.get("algorithm_type", "++").endswith("++")):
        pytest.skip("diffusers converts flow predictions in the data family only")
    scheduler = kind(**config, **GRIDS[grid])
    scheduler.set_timesteps(steps)
    sampler = Sampler.from_scheduler(scheduler)
    # sigmas that end twice at sigma_min: diffusers' last step has length zero
    assert sampler.steps in (steps, steps - 1)
    # alpha = 1 - sigma is .001 at first, so float32 rounds what DEIS divides by to 6e-5 of itself
    follow(scheduler, sampler, tolerance=1e-4 if grid == "flow" and kind is DEIS else 2e-5)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_ddims_steps_are_equal_for_every_eta(prediction, eta):
    for spacing in ("leading", "trailing", "linspace"):
        scheduler = DDIMScheduler(
            clip_sample=False, timestep_spacing=spacing, steps_offset=1, prediction_type=prediction
        )
        scheduler.set_timesteps(10)
        sampler = Sampler.from_scheduler(scheduler, eta=eta)
        assert sampler.sde == (eta > 0)
        follow(scheduler, sampler, eta=eta)


def test_ancestral_sampling_is_the_first_order_sde_of_the_data_family():
    scheduler = DDPMScheduler(clip_sample=False)
    scheduler.set_timesteps(10)
    follow(scheduler, Sampler.from_scheduler(scheduler))
    named = Sampler.from_scheduler(scheduler, sde=True)
    assert named.rows == Sampler.from_scheduler(scheduler).rows
    follow(scheduler, named)


@pytest.mark.parametrize(
    ("scheduler", "scaled"),
    [
        (FlowMatchEulerDiscreteScheduler(shift=3.0), False),
        (FlowMatchEulerDiscreteScheduler(use_karras_sigmas=True), False),
        (EulerDiscreteScheduler(timestep_spacing="trailing"), True),
        (EulerDiscreteScheduler(use_karras_sigmas=True, prediction_type="v_prediction"), True),
        (EulerDiscreteScheduler(use_exponential_sigmas=True, final_sigmas_type="sigma_min"), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_eulers_steps_are_equal_too(scheduler, scaled):
    """Euler's states are x / alpha, and it scales them itself before the network sees them."""
    scheduler.set_timesteps(8)
    follow(scheduler, Sampler.from_scheduler(scheduler), scaled=scaled)


SECOND_ORDER = {
    "DPM-Solver-2M": {"family": "noise"},
    "DPM-Solver++(2M)": {"family": "data"},
    "DEIS-2": {"family": "noise", "multistep": "exact"},
    "DPM-Solver++(2M), heun": {"family": "data", "multistep": "exact"},
    "UniPC-1": {"order": 1, "family": "data", "multistep": "unipc-bh2"},
    "UniPC-1 in eps, B1": {"order": 1, "family": "noise", "multistep": "unipc-bh1"},
}


def slope(world, samplers, x, z, flow):
    counts, errors = [s.steps for s in samplers], []
    for sampler in samplers:
        *_, image = sample(world, sampler, x, z)
        errors.append(float((image - flow(sampler.grid, x, z)).abs().max()))
    return -np.polyfit(np.log(counts), np.log(errors), 1)[0]


@pytest.mark.parametrize("family", ["noise", "data"])
def test_first_order_samplers_converge_at_order_one(family):
    world, x, z = gaussian(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    samplers = [Sampler.from_grid(LinearVP().uniform_log_snr(n), family=family) for n in (160, 320, 640)]
    assert slope(world, samplers, x, z, world.flow) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_second_order_samplers_converge_at_order_two(name):
    """Against the closed-form flow of a Gaussian. UniPC-1's corrector makes its order two."""
    world, x, z = gaussian(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    arguments = {"order": 2, **SECOND_ORDER[name]}
    samplers = [Sampler.from_grid(LinearVP().uniform_log_snr(n), **arguments) for n in (160, 320, 640)]
    assert slope(world, samplers, x, z, world.flow) == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize("family", ["noise", "data"])
def test_unipc_converges_faster_than_order_two(family):
    """Its corrector adds an order to UniP-2, but its first steps are second-order."""
    world, x, z = gaussian(), normal(2, 2, 2, 3), normal(2, 4, seed=1)
    arguments = {"order": 2, "family": family, "multistep": "unipc-bh2"}
    samplers = [Sampler.from_grid(LinearVP().uniform_log_snr(n), **arguments) for n in (160, 320, 640)]
    assert slope(world, samplers, x, z, world.flow) > 2.2


def straight(n: int) -> Grid:
    """A flow's grid, t from 1 (pure noise) to 0 (the image)."""
    times = [1 - i / n for i in range(n + 1)]
    return Grid(tuple(times), tuple(1 - t for t in times), tuple(times))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("prediction", ["flow_prediction", "sample"])
def test_flow_matching_converges_from_pure_noise_to_the_image(order, prediction):
    """Euler, and Adams-Bashforth on dx/dsigma = u, which unlike the lambda forms needs no first-order last step."""
    world, x, z = gaussian(), normal(2, 2, 2, 3), normal(2, 4, seed=1)

    def net(t, x, z):
        sigma = float(t[0])
        alpha = 1 - sigma
        centred = (x - alpha * world.mean(z)) / (alpha**2 * world.std**2 + sigma**2)
        x0 = world.mean(z) + alpha * world.std**2 * centred
        return x0 if prediction == "sample" else sigma * centred - x0

    samplers = [
        Sampler.from_grid(straight(n), order=order, family="flow", prediction_type=prediction) for n in (160, 320, 640)
    ]
    assert slope(net, samplers, x, z, world.flow) == pytest.approx(order, abs=0.15)


def test_adams_bashforth_is_exact_for_a_velocity_that_is_linear_in_time():
    """du/dsigma constant: x_N is known, whatever the lengths of the steps."""
    times = (1.0, 0.7, 0.55, 0.2, 0.0)
    grid = Grid(times, tuple(1 - t for t in times), times)
    sampler = Sampler.from_grid(grid, order=2, family="flow", prediction_type="flow_prediction")
    x = normal(2, 3)
    states = list(sample(lambda t, x, z: t.view(-1, 1).expand_as(x), sampler, x, None))
    exact_from_second = states[1] + (0.0**2 - 0.7**2) / 2
    assert (states[-1] - exact_from_second).abs().max() < 1e-14
    assert (states[1] - (x - 0.3)).abs().max() < 1e-14


def test_both_families_take_the_same_first_order_step():
    grid, x = LinearVP().uniform_log_snr(6), normal(2, 3, 2, 2)
    model = Tangle(3)
    samples = [list(sample(model, Sampler.from_grid(grid, family=f), x, None))[-1] for f in ("noise", "data")]
    assert (samples[0] - samples[1]).abs().max() < 1e-12


def test_the_noise_of_ddim_grows_from_none_to_that_of_the_sde():
    grid = LinearVP().uniform_log_snr(6)
    noise = [[row.D for row in Sampler.from_grid(grid, eta=eta).rows] for eta in (0.0, 0.5, 1.0)]
    assert noise[0] == [0.0] * 6
    assert noise[1] == pytest.approx([0.5 * d for d in noise[2]])
    sde = Sampler.from_grid(grid, sde=True, family="data")
    assert noise[2] == pytest.approx([row.D for row in sde.rows])
    x, w = normal(2, 3, 2, 2), sde.draw_noises(normal(2, 3, 2, 2), torch.Generator().manual_seed(2))
    ends = [list(sample(Tangle(3), s, x, None, w))[-1] for s in (sde, Sampler.from_grid(grid, eta=1.0))]
    assert (ends[0] - ends[1]).abs().max() < 1e-12


def test_first_order_needs_no_division_at_pure_noise_and_at_the_image():
    grid = Grid((999, 500, 0), (0.0, 0.6, 1.0), (1.0, 0.8, 0.0))
    for eta in (0.0, 1.0):
        sampler = Sampler.from_grid(grid, prediction_type="v_prediction", eta=eta)
        assert all(math.isfinite(number) for row in sampler.rows for number in (row.A, *row.B, row.D))


@pytest.mark.parametrize(("multistep", "kept"), [("midpoint", [1, 1, 1, 1, 0]), ("unipc-bh2", [1, 2, 2, 2, 0])])
def test_a_row_keeps_what_the_rows_after_it_need_and_no_more(multistep, kept):
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(5), order=2, multistep=multistep)
    assert [row.kept for row in sampler.rows] == kept
    assert sampler.carried == max(kept)
    assert Sampler.from_grid(LinearVP().uniform_log_snr(5)).carried == 0


def test_unipcs_first_b_function_cannot_reach_an_end_at_infinity():
    grid = Grid((3, 2, 1, 0), (0.0, 0.6, 0.8, 0.9), (1.0, 0.8, 0.6, 0.4))
    arguments = {"order": 2, "family": "data", "prediction_type": "v_prediction"}
    with pytest.raises(ValueError, match="use solver_type='bh2'"):
        Sampler.from_grid(grid, multistep="unipc-bh1", **arguments)
    assert all(
        math.isfinite(b) for row in Sampler.from_grid(grid, multistep="unipc-bh2", **arguments).rows for b in row.B
    )


TABLES = {
    "DEIS-2": {"order": 2, "multistep": "exact"},
    "DPM-Solver++(2M), heun": {"order": 2, "family": "data", "multistep": "exact"},
    "UniPC-1": {"family": "data", "multistep": "unipc-bh1"},
    "UniPC-2": {"order": 2, "family": "data", "multistep": "unipc-bh2"},
    "UniPC-2 in eps": {"order": 2, "multistep": "unipc-bh2"},
    "DDIM, eta 0.6": {"eta": 0.6},
    "SDE-DPM-Solver-2M": {"sde": True, "order": 2},
    "SDE-DPM-Solver++(2M), heun": {"sde": True, "order": 2, "family": "data", "multistep": "exact"},
}


@pytest.mark.parametrize("checkpoints", [None, 3])
@pytest.mark.parametrize("name", TABLES)
def test_the_transposed_table_is_the_gradient_of_every_row(name, checkpoints):
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(9), **TABLES[name])
    x, z, loss_fn = normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(normal(2, 2, 2, 3, seed=2))
    w = sampler.draw_noises(x, torch.Generator().manual_seed(8)) if sampler.sde else None
    wrt = ("x_T", "z", "noises") if sampler.sde else ("x_T", "z")
    ours, truth = (
        method.value_and_grad(mixture(), sampler, x, z, loss_fn, w, wrt)
        for method in (DiscreteAdjoint(checkpoints), Unrolled())
    )
    for variable in wrt:
        assert relative_error(ours.grads[variable], truth.grads[variable]) < 1e-9, variable


def test_the_transposed_table_is_the_gradient_of_a_flow_from_pure_noise():
    sampler = Sampler.from_grid(straight(8), order=2, family="flow", prediction_type="flow_prediction")
    x, z, loss_fn = normal(2, 3, 2, 2), normal(2, 4, seed=1), squared_distance(normal(2, 3, 2, 2, seed=2))
    ours, truth = (
        m.value_and_grad(Tangle(3, 4).double(), sampler, x, z, loss_fn) for m in (DiscreteAdjoint(), Unrolled())
    )
    for variable in ("x_T", "z"):
        assert relative_error(ours.grads[variable], truth.grads[variable]) < 1e-12, variable
