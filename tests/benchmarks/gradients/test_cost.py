import pytest

from benchmarks.gradients.cost import measure


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
