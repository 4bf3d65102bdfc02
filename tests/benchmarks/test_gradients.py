import pytest

from benchmarks.gradients import measure


@pytest.mark.slow
@pytest.mark.parametrize("method", ["DiscreteAdjoint", "AdjointDEIS-1"])
def test_a_row_holds_measured_figures(method):
    row = measure(method, steps=3, repeats=1)
    worst = max(row["errors"].values())
    assert worst < 1e-5 if method == "DiscreteAdjoint" else worst > 1e-3
    assert row["seconds"] > 0
    assert 0.3 < row["ratio"] < 3
    assert row["states"] == pytest.approx(3 * 2 * 3 * 64 * 64 * 4 / 2**20)
