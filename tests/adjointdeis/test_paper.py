import inspect

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler

from adjointdeis import ContinuousAdjoint, Sampler, adjointDEIS, encode_cycle_sde, sample
from tests.truth import Tangle, normal, squared_distance

MODEL = Tangle(3, 4).requires_grad_(False)


def scheduler(steps=10, **config):
    made = DPMSolverMultistepScheduler(**config)
    made.set_timesteps(steps)
    return made


def arguments():
    return normal(2, 3, 4, 4), normal(2, 4, seed=1), squared_distance(normal(2, 3, 4, 4, seed=2))


def test_signatures_are_the_published_ones():
    published = ["model", "scheduler", "xT", "z", "loss_fn", "ws", "is_sde", "n_opt_steps", "lr"]
    published += ["noise_level", "seed", "device"]
    parameters = inspect.signature(adjointDEIS).parameters
    assert [p for p in parameters if parameters[p].kind is not inspect.Parameter.KEYWORD_ONLY] == published
    defaults = {p: parameters[p].default for p in published[5:]}
    assert defaults == {
        "ws": None, "is_sde": False, "n_opt_steps": 50, "lr": 1e-2, "noise_level": 1.0, "seed": None, "device": None,
    }  # fmt: skip
    expected = ["model", "scheduler", "x0", "z", "noise_level", "generator", "device"]
    assert list(inspect.signature(encode_cycle_sde).parameters) == expected


@pytest.mark.parametrize("noise_level", [1.0, 0.9, 0.6])
@pytest.mark.parametrize("config", [{}, {"algorithm_type": "sde-dpmsolver++"}, {"use_karras_sigmas": True}])
def test_encoding_then_no_updates_gives_the_image_back(noise_level, config):
    image, z, loss_fn = arguments()
    made = scheduler(**config)
    x_T, ws = encode_cycle_sde(MODEL, made, image, z, noise_level, torch.Generator().manual_seed(3))
    back = adjointDEIS(MODEL, made, x_T, z, loss_fn, ws=ws, is_sde=True, n_opt_steps=0, noise_level=noise_level)
    assert (back - image).abs().max() < 1e-9
    listed = adjointDEIS(
        MODEL, made, x_T, z, loss_fn, ws=list(ws.values()), is_sde=True, n_opt_steps=0, noise_level=noise_level
    )
    assert torch.equal(listed, back)


def test_noises_are_keyed_by_the_schedulers_timesteps():
    image, z, _ = arguments()
    made = scheduler()
    _, ws = encode_cycle_sde(MODEL, made, image, z, 0.7)
    assert list(ws) == made.timesteps.tolist()[3:]
    assert all(w.shape == image.shape for w in ws.values())


@pytest.mark.parametrize("is_sde", [False, True])
def test_updates_lower_the_loss(is_sde):
    image, z, loss_fn = arguments()
    before = adjointDEIS(MODEL, scheduler(), image, z, loss_fn, is_sde=is_sde, n_opt_steps=0, seed=1)
    after = adjointDEIS(MODEL, scheduler(), image, z, loss_fn, is_sde=is_sde, n_opt_steps=20, lr=1e-4, seed=1)
    assert (loss_fn(after) < loss_fn(before)).all()


def test_every_update_is_made_and_reported():
    image, z, loss_fn = arguments()
    frames = []
    last = adjointDEIS(MODEL, scheduler(), image, z, loss_fn, n_opt_steps=3, on_step=frames.append)
    assert [f.step for f in frames] == [0, 1, 2, 3]
    assert torch.equal(last, frames[-1].image)


def test_one_update_is_one_step_of_gradient_descent():
    image, z, loss_fn = arguments()
    frames = []
    adjointDEIS(MODEL, scheduler(), image, z, loss_fn, n_opt_steps=1, lr=0.1, on_step=frames.append)
    moved = (frames[1].variables["x_T"] - image).norm()
    assert float(moved) == pytest.approx(0.1 * frames[0].grad_norm["x_T"], rel=1e-9)


def test_the_published_algorithm_and_other_optimizers_can_be_chosen():
    image, z, loss_fn = arguments()
    exact = adjointDEIS(MODEL, scheduler(), image, z, loss_fn, n_opt_steps=2, lr=0.1)
    published = adjointDEIS(MODEL, scheduler(), image, z, loss_fn, n_opt_steps=2, lr=0.1, gradient=ContinuousAdjoint(1))
    adam = adjointDEIS(MODEL, scheduler(), image, z, loss_fn, n_opt_steps=2, lr=0.1, optimizer="adam")
    assert not torch.allclose(exact, published)
    assert not torch.allclose(exact, adam)


def test_one_seed_gives_one_result():
    image, z, loss_fn = arguments()
    results = [adjointDEIS(MODEL, scheduler(), image, z, loss_fn, None, True, 1, seed=s) for s in (5, 5, 6)]
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_the_grid_ends_at_the_cleanest_training_time():
    image, z, loss_fn = arguments()
    made = scheduler()
    sampler = Sampler.from_scheduler(made, order=1, final="sigma_min")
    *_, plain = sample(MODEL, sampler, image, z)
    assert torch.equal(adjointDEIS(MODEL, made, image, z, loss_fn, n_opt_steps=0), plain)


def test_conditioning_may_be_missing_and_tensors_are_left_alone():
    image, _, loss_fn = arguments()
    before = image.clone()
    adjointDEIS(Tangle(3), scheduler(), image, None, loss_fn, n_opt_steps=2)
    assert torch.equal(image, before)
    assert not image.requires_grad


def test_wrong_arguments_are_refused():
    image, z, loss_fn = arguments()
    x_T, ws = encode_cycle_sde(MODEL, scheduler(), image, z)
    with pytest.raises(ValueError, match="pass is_sde=True with them"):
        adjointDEIS(MODEL, scheduler(), x_T, z, loss_fn, ws)
    with pytest.raises(ValueError, match="ws has no noise for timestep"):
        adjointDEIS(MODEL, scheduler(12), x_T, z, loss_fn, ws, True)
    with pytest.raises(ValueError, match="share one integer timestep"):
        encode_cycle_sde(MODEL, scheduler(100, use_exponential_sigmas=True), image, z)
    with pytest.raises(ValueError, match="noise_level must be in"):
        adjointDEIS(MODEL, scheduler(), image, z, loss_fn, noise_level=1.5)
