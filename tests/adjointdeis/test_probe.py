"""Tables that are derived from a scheduler's own step, against the scheduler's own loop."""

import diffusers
import pytest
import torch

from adjointdeis import Sampler, sample
from adjointdeis.probe import _in_float64, given_noise, probe
from benchmarks.schedulers import SHAPE, net, start

CASES = {
    "LCMScheduler": {},
    "TCDScheduler": {},
    "SCMScheduler": {},
    "FlowMatchLCMScheduler": {},
    "EDMEulerScheduler": {},
    "LTXEulerAncestralRFScheduler": {},
    "CogVideoXDDIMScheduler": {"clip_sample": False},
    "DDIMInverseScheduler": {"clip_sample": False},
    "EulerDiscreteScheduler": {},
    "EulerAncestralDiscreteScheduler": {},
    "FlowMatchEulerDiscreteScheduler": {"stochastic_sampling": True},
    "DDPMScheduler": {"clip_sample": False, "variance_type": "fixed_large"},
    "DDIMScheduler": {"clip_sample": False},
}


def laid_out(name, steps, **config):
    scheduler = getattr(diffusers, name)(**config)
    scheduler.set_timesteps(num_inference_steps=steps)
    return scheduler


def own_loop(scheduler, y, noises, begin=0, **extra):
    scheduler = _in_float64(scheduler)
    with given_noise(scheduler, iter(noises)):
        for t in scheduler.timesteps[begin : begin + len(noises)]:
            x = scheduler.scale_model_input(y, t) if hasattr(scheduler, "scale_model_input") else y
            y = scheduler.step(net(t.expand(len(x)), x), t, y, return_dict=False, **extra)[0]
    return y


def drawn(count):
    return [torch.randn(SHAPE, generator=torch.Generator().manual_seed(i), dtype=torch.float64) for i in range(count)]


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("name", CASES)
def test_a_probed_table_is_the_schedulers_own_loop(name, steps):
    if name == "SCMScheduler" and steps != 2:
        pytest.skip("SCM has intermediate times for two steps only")
    scheduler = laid_out(name, steps, **CASES[name])
    sampler, scales = probe(scheduler)
    x, noises = start(), drawn(steps)
    *_, ours = sample(net, sampler, x, None, torch.stack(noises) if sampler.sde else None)
    theirs = own_loop(scheduler, x / scales[0], noises)
    assert len(sampler.rows) == steps
    assert torch.allclose(ours, theirs * scales[-1], rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))


def test_the_arguments_of_step_are_part_of_the_table():
    scheduler = laid_out("TCDScheduler", 4)
    noises, x = drawn(4), start()
    plain, quiet = probe(scheduler), probe(scheduler, {"eta": 0.0, "generator": None})
    assert plain.sampler.sde
    assert not quiet.sampler.sde
    *_, ours = sample(net, quiet.sampler, x, None)
    assert torch.allclose(ours, own_loop(scheduler, x, noises, eta=0.0), rtol=1e-9)


def test_the_rows_of_a_known_scheduler_are_those_of_its_table():
    scheduler = laid_out("DDIMScheduler", 5, clip_sample=False)
    known, probed = Sampler.from_scheduler(scheduler), probe(scheduler).sampler
    for a, b in zip(known.rows, probed.rows, strict=True):
        assert pytest.approx(a.A, rel=1e-9) == b.A
        assert b.B[0] == pytest.approx(a.B[0] * a.Q, rel=1e-9)
    assert probed.grid.alpha == pytest.approx(known.grid.alpha, rel=1e-6)


def test_probing_leaves_the_scheduler_as_it_is():
    scheduler = laid_out("LCMScheduler", 3)
    before = {name: value for name, value in vars(scheduler).items() if not isinstance(value, torch.Tensor)}
    probe(scheduler)
    assert before == {name: value for name, value in vars(scheduler).items() if not isinstance(value, torch.Tensor)}
    assert scheduler.alphas_cumprod.dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "config", "reason"),
    [
        ("DPMSolverMultistepScheduler", {}, "depends on earlier outputs"),
        ("HeunDiscreteScheduler", {}, "depends on earlier outputs"),
        ("DDIMScheduler", {"clip_sample": True}, "set clip_sample=False"),
        ("LCMScheduler", {"thresholding": True}, "thresholding=False"),
        ("DPMSolverSDEScheduler", {}, "in another way than diffusers' randn_tensor"),
        ("KarrasVeScheduler", {}, "cannot be called on its own"),
    ],
)
def test_a_scheduler_without_a_table_is_refused(name, config, reason):
    with pytest.raises(NotImplementedError, match=reason):
        probe(laid_out(name, 4, **config))
