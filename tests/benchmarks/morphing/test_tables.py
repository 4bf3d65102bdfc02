import numpy as np
import pytest

from benchmarks.morphing.plan import ODE, every_method
from benchmarks.morphing.tables import PAPER, accepts, all_tables, compare, interval, margin, of_method, success
from tests.benchmarks.rows import morph_row as row


def test_a_network_accepts_a_morph_if_it_accepts_it_as_both_people():
    assert accepts(row(0), "convolutional")
    assert not accepts(row(0, convolutional=-0.01), "convolutional")
    assert [success(row(0, *margins)) for margins in ((0.1, 0.1), (0.1, -0.1), (-0.1, -0.1))] == [1.0, 0.5, 0.0]


def test_the_margin_is_the_smaller_one_of_the_two_people():
    assert margin(row(0, convolutional=-0.3, transformer=0.1)) == pytest.approx(-0.1)


def test_the_interval_is_that_of_a_mean():
    values = np.random.default_rng(0).random(400)
    found = interval(values)
    spread = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - spread, abs=0.1 * spread)
    assert found.high == pytest.approx(values.mean() + spread, abs=0.1 * spread)
    assert str(interval([1.0, 1.0])) == "100 (100 to 100)"


def test_comparisons_are_paired_over_the_common_pairs():
    better = {k: row(k) for k in range(8)}
    worse = {k: row(k, convolutional=-0.1) for k in range(2, 10)}
    found = compare(better, worse)
    assert found.pairs == 6
    assert found.difference.value == 0.5
    assert found.confidence == found.by_margin == 1.0
    assert compare(worse, better).confidence == 0.0
    assert compare(better, better).confidence == 0.5
    with pytest.raises(ValueError, match="share no pair"):
        compare({0: row(0)}, {1: row(1)})


def test_rows_of_other_settings_under_the_same_name_are_left_out():
    method = every_method()[ODE]
    assert set(of_method([row(0), row(1, key="before")], method)) == {0}


def test_the_table_shows_the_rows_beside_the_papers_values():
    text = all_tables([row(0), row(1, convolutional=-0.1)])
    line = next(line for line in text.splitlines() if line.startswith(f"| {ODE} | 2 |"))
    assert "| 100 (100 to 100) | 50 (0 to 100) | 100 (100 to 100) | +0.050 | 1.10 | 0.90 | 2,520 | 2.5 |" in line
    assert PAPER[ODE] in line
    assert all_tables([]) == ""
