import pytest

from benchmarks.gaussian_mixture import relative_error
from benchmarks.gradients.methods import METHODS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("peer", "ours"), [("torchdiffeq euler", "AdjointDEIS-1"), ("SDE: torchsde euler", "SDE: AdjointDEIS-1")]
)
def test_euler_of_the_peers_is_adjointdeis_1(peer, ours, problems):
    """Euler's method for y = x / alpha over rho is AdjointDEIS-1 in every library."""
    problem = problems[METHODS[peer].sde]
    theirs, found = (problem.differentiate(METHODS[name].make(problem.setting)).grads for name in (peer, ours))
    for variable in ("x_T", "z"):
        assert relative_error(theirs[variable], found[variable]) < 1e-3
