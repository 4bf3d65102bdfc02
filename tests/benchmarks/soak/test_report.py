from typing import Any

import pytest

from benchmarks.soak.report import Sample, growth, markdown, quantile, table, verdicts
from benchmarks.soak.users import Trial

QUIET: dict[str, Any] = {"overlaps": 0, "interleaved": 0, "memory": 1e9, "busy": False, "visits": 0, "left": 0}


def samples_of(memory: list[float], **last: Any) -> list[Sample]:
    samples = [Sample(runs + 1, {**QUIET, "memory": size}) for runs, size in enumerate(memory)]
    return [*samples, Sample(len(memory), {**samples[-1].found, **last})]


def broken(samples: list[Sample], trials: list[Trial] | None = None, counts: dict[int, int] | None = None) -> set[str]:
    return {one.rule for one in verdicts(trials or [Trial("run", 1.0)], samples, counts or {200: 1}) if not one.held}


def test_growth_is_measured_after_the_warm_up() -> None:
    assert growth(samples_of([0.5e9] * 10 + [1e9] * 90)) == pytest.approx(0)
    assert growth(samples_of([1e9] * 50 + [1.1e9] * 50)) == pytest.approx(0.1)
    assert growth(samples_of([1e9] * 5)) is None


def test_a_test_without_trouble_breaks_no_rule() -> None:
    assert broken(samples_of([1e9] * 100)) == set()


@pytest.mark.parametrize(
    ("last", "rule"),
    [
        ({"overlaps": 1}, "device never used by two runs at once"),
        ({"interleaved": 1}, "runs not interleaved on the device"),
        ({"busy": True}, "device free at the end"),
        ({"visits": 1}, "no session left at the end"),
        ({"left": 1}, "no user's file left at the end"),
    ],
)
def test_each_count_of_the_meter_has_its_rule(last: dict[str, Any], rule: str) -> None:
    assert broken(samples_of([1e9] * 100, **last)) == {rule}


def test_lost_and_mixed_results_failed_responses_and_leaks_break_their_rules() -> None:
    flat = samples_of([1e9] * 100)
    assert broken(flat, [Trial("run", 1.0, "lost: x")]) == {"no result lost"}
    assert broken(flat, [Trial("run", 1.0, "mixed: x")]) == {"no result mixed up"}
    assert broken(flat, counts={200: 5, 503: 1}) == {"no response with status 500 or more"}
    assert len(broken(samples_of([1e9 + 1e6 * i for i in range(100)]))) == 1


def test_times_to_the_first_frame_are_shown_by_position_in_the_queue() -> None:
    trials = [Trial("run", 1.0, "", place, first) for place, first in ((0, 0.1), (0, 0.3), (0, 0.2), (2, 5.0))]
    assert "| 0 | 3 | 0.20 s | 0.30 s |" in table([*trials, Trial("disconnect", 1.0)])
    assert "| 2 | 1 | 5.00 s | 5.00 s |" in table(trials)
    assert quantile(list(range(100)), 0.95) == 95
    assert "3 × run" not in markdown("", trials, samples_of([1e9] * 30), {})
