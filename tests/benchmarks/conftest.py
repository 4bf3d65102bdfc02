import pytest

from adjointdeis import Sampler
from benchmarks.gaussian_mixture import mixture, problem
from clay.networks.scheduler import make_scheduler


class Toward:
    """Half the squared distance to a target."""

    name = "toward"

    def __init__(self, target):
        self.target = target

    def __call__(self, image):
        return 0.5 * (image - self.target).square().flatten(1).sum(1)


@pytest.fixture
def toward():
    return Toward


@pytest.fixture
def toy():
    """A network by the times of the clay scheduler, that scheduler with 10 steps, and the problem."""

    def net(t, x, z):
        return task.model(t / 1000, x, z)

    task = problem(mixture())
    scheduler = make_scheduler()
    scheduler.set_timesteps(10)
    return net, scheduler, task


@pytest.fixture
def ode():
    def make(scheduler):
        return Sampler.from_scheduler(scheduler, sde=False, order=1)

    return make
