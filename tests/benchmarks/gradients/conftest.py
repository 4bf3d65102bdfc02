import pytest

from benchmarks.gradients.cost import Problem
from tests.truth import Tangle


class Small(Problem):
    """The problem with a network that takes no time."""

    def __init__(self, steps, sde):
        super().__init__(steps, sde, "cpu")
        self.model = Tangle(3, 128).float()


@pytest.fixture(scope="session")
def problems():
    return {sde: Small(10, sde) for sde in (False, True)}
