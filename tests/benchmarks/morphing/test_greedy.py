import pytest
import torch

from adjointdeis import Sampler, sample
from benchmarks.morphing.greedy import by_adam, greedy_sample
from benchmarks.guidance.one_step import OneStep
from benchmarks.gaussian_mixture import mixture, problem
from clay.networks.scheduler import make_scheduler
from studio.runs.interpolation import Code


class Toward:
    """Half the squared distance to a target."""

    name = "toward"

    def __init__(self, target):
        self.target = target

    def __call__(self, image):
        return 0.5 * (image - self.target).square().flatten(1).sum(1)


@pytest.fixture
def world():
    def net(t, x, z):
        return task.model(t / 1000, x, z)

    task = problem(mixture())
    scheduler = make_scheduler()
    scheduler.set_timesteps(10)
    return net, scheduler, task


def ode(scheduler):
    return Sampler.from_scheduler(scheduler, sde=False, order=1)


def test_greedy_without_updates_is_the_plain_sample(world):
    net, scheduler, task = world
    sampler = ode(scheduler)
    *_, plain = sample(net, sampler, task.x_T, task.z)
    found = greedy_sample(net, sampler, Code(task.z, task.x_T, None), by_adam(Toward(task.target), 0, 0.1))
    torch.testing.assert_close(found, plain)


def test_greedy_ends_nearer_for_every_image_with_one_call_a_step(world):
    net, scheduler, task = world
    sampler, loss = ode(scheduler), Toward(task.target)
    *_, plain = sample(net, sampler, task.x_T, task.z)
    calls = []
    found = greedy_sample(
        lambda t, x, z: calls.append(0) or net(t, x, z), sampler, Code(task.z, task.x_T, None), by_adam(loss, 20, 0.1)
    )
    assert (loss(found) < loss(plain)).all()
    assert len(calls) == sampler.steps


def test_greedy_refuses_a_network_that_predicts_no_noise(world):
    net, scheduler, task = world
    sampler = Sampler.from_scheduler(scheduler, sde=False, order=1, prediction_type="sample")
    with pytest.raises(NotImplementedError, match="eps"):
        greedy_sample(net, sampler, Code(task.z, task.x_T, None), by_adam(Toward(task.target), 1, 0.1))


@pytest.mark.parametrize("way", [OneStep(), OneStep(travel=3, mean=2, rising=True, with_z=True)])
@pytest.mark.parametrize("sde", [False, True])
def test_guidance_of_no_strength_changes_nothing(world, way, sde):
    net, scheduler, task = world
    sampler = Sampler.from_scheduler(scheduler, sde=sde, order=1, family="data", final="sigma_min")
    noises = sampler.draw_noises(task.x_T, torch.Generator().manual_seed(0)) if sde else None
    *_, plain = sample(net, sampler, task.x_T, task.z, noises)
    found = way.sample(net, sampler, (task.x_T, task.z, noises), Toward(task.target), torch.zeros(len(task.x_T)))
    torch.testing.assert_close(found, plain)


@pytest.mark.parametrize("way", [OneStep(), OneStep(with_z=True), OneStep(travel=3), OneStep(mean=3, rising=True)])
def test_guidance_lowers_the_loss_in_proportion_to_its_strength(world, way):
    net, scheduler, task = world
    sampler, loss = ode(scheduler), Toward(task.target)
    means = [
        float(loss(way.sample(net, sampler, (task.x_T, task.z, None), loss, torch.full((4,), strength))).mean())
        for strength in (0.0, 0.2, 0.5)
    ]
    assert means[0] > means[1] > means[2]


def test_a_mean_that_moves_helps_beyond_what_x_does(world):
    net, scheduler, task = world
    sampler, loss, strength = ode(scheduler), Toward(task.target), torch.full((4,), 0.2)
    without, with_mean = (
        loss(OneStep(mean=mean).sample(net, sampler, (task.x_T, task.z, None), loss, strength)).mean()
        for mean in (0, 2)
    )
    assert with_mean < without


def test_guidance_of_single_steps_refuses_a_history(world):
    net, scheduler, task = world
    sampler = Sampler.from_scheduler(scheduler, sde=False, order=2)
    with pytest.raises(NotImplementedError, match="order 1"):
        OneStep().sample(net, sampler, (task.x_T, task.z, None), Toward(task.target), torch.zeros(4))
