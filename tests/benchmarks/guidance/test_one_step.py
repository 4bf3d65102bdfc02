import pytest
import torch

from adjointdeis import Sampler, sample
from benchmarks.guidance.one_step import OneStep


@pytest.mark.parametrize("guidance", [OneStep(), OneStep(travel=3, mean=2, rising=True, with_z=True)])
@pytest.mark.parametrize("sde", [False, True])
def test_guidance_of_strength_0_changes_nothing(toy, toward, guidance, sde):
    net, scheduler, task = toy
    sampler = Sampler.from_scheduler(scheduler, sde=sde, order=1, family="data", final="sigma_min")
    noises = sampler.draw_noises(task.x_T, torch.Generator().manual_seed(0)) if sde else None
    *_, plain = sample(net, sampler, task.x_T, task.z, noises)
    found = guidance.sample(net, sampler, (task.x_T, task.z, noises), toward(task.target), torch.zeros(len(task.x_T)))
    torch.testing.assert_close(found, plain)


@pytest.mark.parametrize("guidance", [OneStep(), OneStep(with_z=True), OneStep(travel=3), OneStep(mean=3, rising=True)])
def test_guidance_lowers_the_loss_in_proportion_to_its_strength(toy, ode, toward, guidance):
    net, scheduler, task = toy
    sampler, loss = ode(scheduler), toward(task.target)
    means = [
        float(loss(guidance.sample(net, sampler, (task.x_T, task.z, None), loss, torch.full((4,), strength))).mean())
        for strength in (0.0, 0.2, 0.5)
    ]
    assert means[0] > means[1] > means[2]


def test_updates_of_the_mean_lower_the_loss_further(toy, ode, toward):
    net, scheduler, task = toy
    sampler, loss, strength = ode(scheduler), toward(task.target), torch.full((4,), 0.2)
    without, with_mean = (
        loss(OneStep(mean=mean).sample(net, sampler, (task.x_T, task.z, None), loss, strength)).mean()
        for mean in (0, 2)
    )
    assert with_mean < without


def test_a_sampler_of_second_order_is_refused(toy, toward):
    net, scheduler, task = toy
    sampler = Sampler.from_scheduler(scheduler, sde=False, order=2)
    with pytest.raises(NotImplementedError, match="order 1"):
        OneStep().sample(net, sampler, (task.x_T, task.z, None), toward(task.target), torch.zeros(4))
