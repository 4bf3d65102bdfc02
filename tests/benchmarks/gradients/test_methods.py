import pytest
import torch

from benchmarks.gaussian_mixture import relative_error
from benchmarks.gradients.methods import METHODS


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_every_method_differentiates_the_same_problem(name, problems):
    problem = problems[METHODS[name].sde]
    found = problem.differentiate(METHODS[name].make(problem.setting))
    truth = problem.differentiate(METHODS["SDE: Unrolled" if METHODS[name].sde else "Unrolled"].make(problem.setting))
    exact = name.split(": ")[-1].startswith(("Unrolled", "DiscreteAdjoint", "checkpoint"))
    errors = [relative_error(found.grads[v], truth.grads[v]) for v in ("x_T", "z")]
    assert max(errors) < 1e-5 if exact else all(torch.isfinite(found.grads[v]).all() for v in ("x_T", "z"))
    if not name.startswith(("Reversible", "OffTheShelf", "torchdiffeq midpoint", "torchdiffeq dopri5")):
        assert relative_error(found.image, truth.image) < 1e-5
