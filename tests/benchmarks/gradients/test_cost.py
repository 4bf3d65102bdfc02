import pytest
import torch

from benchmarks.gradients import METHODS, Problem, distance, header, line, measure, table
from tests.truth import Tangle


@pytest.mark.slow
@pytest.mark.parametrize("method", ["DiscreteAdjoint", "AdjointDEIS-1"])
def test_a_row_holds_measured_figures(method):
    row = measure(method, steps=3, repeats=1)
    worst = max(row["error x_T"], row["error z"])
    assert worst < 1e-5 if method == "DiscreteAdjoint" else worst > 1e-3
    assert row["seconds"] > 0
    assert 0.3 < row["floor"] < 3
    assert row["calls"] == [3, 3]
    assert row["floor"] == row["own"]
    assert row["image"] == 0


class Small(Problem):
    """The problem with a network that takes no time."""

    def __init__(self, steps, sde):
        super().__init__(steps, sde, "cpu")
        self.model = Tangle(3, 128).float()


@pytest.fixture(scope="module")
def problems():
    return {sde: Small(10, sde) for sde in (False, True)}


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_every_method_differentiates_the_same_problem(name, problems):
    problem = problems[METHODS[name].sde]
    found = problem.differentiate(METHODS[name].make(problem.setting))
    truth = problem.differentiate(METHODS["SDE: Unrolled" if METHODS[name].sde else "Unrolled"].make(problem.setting))
    exact = name.split(": ")[-1].startswith(("Unrolled", "DiscreteAdjoint", "checkpoint"))
    errors = [distance(found.grads[v], truth.grads[v]) for v in ("x_T", "z")]
    assert max(errors) < 1e-5 if exact else all(torch.isfinite(found.grads[v]).all() for v in ("x_T", "z"))
    if not name.startswith(("Reversible", "OffTheShelf", "torchdiffeq midpoint", "torchdiffeq dopri5")):
        assert distance(found.image, truth.image) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("peer", "ours"), [("torchdiffeq euler", "AdjointDEIS-1"), ("SDE: torchsde euler", "SDE: AdjointDEIS-1")]
)
def test_the_peers_are_set_up_right(peer, ours, problems):
    """Euler in y = x / alpha over rho is AdjointDEIS-1, whoever solves it."""
    problem = problems[METHODS[peer].sde]
    theirs, found = (problem.differentiate(METHODS[name].make(problem.setting)).grads for name in (peer, ours))
    for variable in ("x_T", "z"):
        assert distance(theirs[variable], found[variable]) < 1e-3


def test_the_table_has_a_line_a_row_in_the_order_of_the_methods():
    figures = dict.fromkeys(("seconds", "floor", "own", "memory", "error x_T", "error z", "image"), 0.5)
    rows = [
        {"method": name, "N": n, "calls": [n, 3], **figures} for n in (20, 10) for name in ("AdjointDEIS-1", "Unrolled")
    ]
    rows.append(rows[0] | {"seconds": 7.0})
    lines = table(rows).splitlines()
    assert lines[:2] == header().splitlines()
    assert [text.split(" | ")[:2] for text in lines[2:]] == [
        ["| Unrolled", "10"],
        ["| AdjointDEIS-1", "10"],
        ["| Unrolled", "20"],
        ["| AdjointDEIS-1", "20"],
    ]
    assert (
        line(rows[-1])
        == lines[-1]
        == "| AdjointDEIS-1 | 20 | 20 + 3 | 7.00 | 0.50 | 0.50 | 0 | 5.0e-01 | 5.0e-01 | 5.0e-01 |"
    )
    assert {text.count("|") for text in lines} == {header().count("|") // 2}
