"""The sampler's path as pictures, against a world whose answer is known: a network that knows the image."""

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from adjointdeis import Sampler, sample
from studio.images.load import to_image
from studio.runs.measures.monitored import Call
from studio.runs.measures.trajectory import trajectory

IMAGE = torch.linspace(-0.9, 0.9, 3 * 8 * 8).view(1, 3, 8, 8)


def test_a_network_that_knows_the_image_sees_it_from_the_first_step_on() -> None:
    scheduler = DDIMScheduler(1000, beta_schedule="linear", clip_sample=False, timestep_spacing="trailing")
    scheduler.set_timesteps(6)
    # DDIM on the scheduler's grid; its own steps would end at t - 1000 // 6, beside the next node
    sampler = Sampler.from_scheduler(scheduler, order=1)
    calls: list[Call] = []
    nodes = dict(zip(sampler.grid.times, zip(sampler.grid.alpha, sampler.grid.sigma, strict=False), strict=False))

    def network(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        alpha, sigma = nodes[int(t[0])]
        output = (x - alpha * IMAGE) / sigma
        calls.append(Call(x, output))
        return output

    *_, image = sample(network, sampler, torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)), None)
    found = trajectory(sampler, calls)
    assert len(found.states) == len(found.estimates) == len(found.noise) == 6
    assert list(found.noise) == sorted(found.noise, reverse=True)
    for estimate in found.estimates[1:]:
        assert estimate.tobytes() == to_image(IMAGE).tobytes()
    assert to_image(image).tobytes() == to_image(IMAGE).tobytes()
    assert found.states[0].tobytes() == to_image(calls[0].state).tobytes()


def test_a_path_that_was_cut_short_is_shown_as_far_as_it_came() -> None:
    scheduler = DDIMScheduler(1000, clip_sample=False, timestep_spacing="trailing")
    scheduler.set_timesteps(6)
    found = trajectory(Sampler.from_scheduler(scheduler), [Call(IMAGE, IMAGE)] * 2)
    assert len(found.states) == len(found.noise) == 2
