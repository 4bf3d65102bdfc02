import pytest
import torch

from adjointdeis import Sampler, sample
from benchmarks.morphing.greedy import by_adam, greedy_sample
from studio.runs.interpolation import Code


def test_without_updates_it_is_the_plain_sample(toy, ode, toward):
    net, scheduler, task = toy
    sampler = ode(scheduler)
    *_, plain = sample(net, sampler, task.x_T, task.z)
    found = greedy_sample(net, sampler, Code(task.z, task.x_T, None), by_adam(toward(task.target), 0, 0.1))
    torch.testing.assert_close(found, plain)


def test_it_lowers_the_loss_of_every_image_with_one_call_per_step(toy, ode, toward):
    net, scheduler, task = toy
    sampler, loss = ode(scheduler), toward(task.target)
    *_, plain = sample(net, sampler, task.x_T, task.z)
    calls = []
    found = greedy_sample(
        lambda t, x, z: calls.append(0) or net(t, x, z), sampler, Code(task.z, task.x_T, None), by_adam(loss, 20, 0.1)
    )
    assert (loss(found) < loss(plain)).all()
    assert len(calls) == sampler.steps


def test_a_network_that_does_not_predict_eps_is_refused(toy, toward):
    net, scheduler, task = toy
    sampler = Sampler.from_scheduler(scheduler, sde=False, order=1, prediction_type="sample")
    with pytest.raises(NotImplementedError, match="eps"):
        greedy_sample(net, sampler, Code(task.z, task.x_T, None), by_adam(toward(task.target), 1, 0.1))
