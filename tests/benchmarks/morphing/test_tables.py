import numpy as np
import pytest

from benchmarks.morphing.claims import CLAIMS, checked, verdict
from benchmarks.morphing.curves import calls_to_reach, curve, success_after
from benchmarks.morphing.plan import ODE, every_method
from benchmarks.morphing.tables import PAPER, all_tables, compare, fools, interval, margin, of_method, success


def row(pair, judge=0.1, jury=0.1, method=ODE, **more):
    made = every_method()[method]
    margins = {"identity": [0.1, 0.2], "judge": [0.2, judge], "jury": [jury, 0.2]}
    return {
        "method": method,
        "key": made.key,
        "pair": pair,
        "margins": margins,
        "source_margins": margins,
        "calls": 2020,
        "encoding_calls": 500,
        "seconds": 2.0,
        "encoding_seconds": 0.5,
        "strangeness": 1.1,
        "noisiness": 0.9,
        "curve": [[20, 1.0, 0.1, -0.1, -0.1], [60, 0.5, 0.1, 0.1, -0.1], [100, 0.7, 0.1, 0.1, 0.1]],
        **more,
    }


def test_a_judge_is_fooled_only_if_it_takes_the_morph_for_both():
    assert fools(row(0), "judge")
    assert not fools(row(0, judge=-0.01), "judge")
    assert [success(row(0, *margins)) for margins in ((0.1, 0.1), (0.1, -0.1), (-0.1, -0.1))] == [1.0, 0.5, 0.0]


def test_the_margin_is_that_to_the_person_who_is_found_less_like_the_morph():
    assert margin(row(0, judge=-0.3, jury=0.1)) == pytest.approx(-0.1)


def test_the_interval_is_that_of_a_mean():
    values = np.random.default_rng(0).random(400)
    found = interval(values)
    spread = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - spread, abs=0.1 * spread)
    assert found.high == pytest.approx(values.mean() + spread, abs=0.1 * spread)
    assert str(interval([1.0, 1.0])) == "100 (100 to 100)"


def test_comparisons_are_paired_and_only_of_shared_pairs():
    better = {k: row(k) for k in range(8)}
    worse = {k: row(k, judge=-0.1) for k in range(2, 10)}
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


def test_the_table_has_what_the_rows_say_beside_the_papers_figures():
    text = all_tables([row(0), row(1, judge=-0.1)])
    line = next(line for line in text.splitlines() if line.startswith(f"| {ODE} | 2 |"))
    assert "| 100 (100 to 100) | 50 (0 to 100) | 100 (100 to 100) | +0.050 | 1.10 | 0.90 | 2,520 | 2.5 |" in line
    assert PAPER[ODE] in line
    assert all_tables([]) == ""


def test_claims_name_methods_that_exist_and_are_judged_by_confidence():
    assert all({claim.better, claim.worse} <= set(every_method()) for claim in CLAIMS)
    assert [verdict(c) for c in (0.99, 0.5, 0.01)] == ["holds", "stays open", "is the other way round"]
    rows = [row(k) for k in range(4)] + [row(k, judge=-0.1, jury=-0.1, method="DiM") for k in range(4)]
    lines = list(checked(rows))[2:]
    assert lines == [f"| table 1 | {ODE} | DiM | 100 (100 to 100) | 4 | 100 % | 100 % | holds |"]


def test_success_after_some_calls_is_that_of_the_lowest_loss_until_then():
    assert [success_after(row(0), calls) for calls in (519, 520, 560, 600)] == [0.0, 0.0, 0.5, 0.5]
    calls, mean = curve([row(0), row(1, encoding_calls=0)])
    assert calls == [20, 60, 100, 520, 560, 600]
    assert mean == [0.0, 0.25, 0.25, 0.25, 0.5, 0.5]
    assert calls_to_reach([row(0)], 0.5) == 560
    assert calls_to_reach([row(0)], 0.9) is None
