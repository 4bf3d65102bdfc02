import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.soak.__main__ import main
from benchmarks.soak.day import Trial, wish
from benchmarks.soak.report import Sample, growth, markdown, quantile, table, verdicts
from benchmarks.soak.serving import Metered
from benchmarks.soak.visitor import Seen, _see

QUIET: dict[str, Any] = {"overlaps": 0, "interleaved": 0, "memory": 1e9, "busy": False, "visits": 0, "left": 0}


def day(memory: list[float], **last: Any) -> list[Sample]:
    samples = [Sample(runs + 1, {**QUIET, "memory": size}) for runs, size in enumerate(memory)]
    return [*samples, Sample(len(memory), {**samples[-1].found, **last})]


def broken(samples: list[Sample], trials: list[Trial] | None = None, answers: dict[int, int] | None = None) -> set[str]:
    return {one.rule for one in verdicts(trials or [Trial("run", 1.0)], samples, answers or {200: 1}) if not one.held}


def test_growth_is_counted_from_after_the_warm_up() -> None:
    assert growth(day([0.5e9] * 10 + [1e9] * 90)) == pytest.approx(0)
    assert growth(day([1e9] * 50 + [1.1e9] * 50)) == pytest.approx(0.1)
    assert growth(day([1e9] * 5)) is None


def test_a_good_day_breaks_no_rule() -> None:
    assert broken(day([1e9] * 100)) == set()


@pytest.mark.parametrize(
    ("last", "rule"),
    [
        ({"overlaps": 1}, "the device never used by two runs at once"),
        ({"interleaved": 1}, "no run between two calls of another"),
        ({"busy": True}, "the device is free at the end"),
        ({"visits": 1}, "no visit is remembered at the end"),
        ({"left": 1}, "no visitor's file is left at the end"),
    ],
)
def test_what_the_meter_saw_breaks_its_rule(last: dict[str, Any], rule: str) -> None:
    assert broken(day([1e9] * 100, **last)) == {rule}


def test_lost_and_mixed_results_failed_answers_and_leaks_break_theirs() -> None:
    flat = day([1e9] * 100)
    assert broken(flat, [Trial("run", 1.0, "lost: x")]) == {"no result lost"}
    assert broken(flat, [Trial("run", 1.0, "mixed: x")]) == {"no result mixed up"}
    assert broken(flat, answers={200: 5, 503: 1}) == {"no answer of status 500 or more"}
    assert len(broken(day([1e9 + 1e6 * i for i in range(100)]))) == 1


def test_times_to_the_first_frame_are_by_place() -> None:
    trials = [Trial("run", 1.0, "", place, first) for place, first in ((0, 0.1), (0, 0.3), (0, 0.2), (2, 5.0))]
    assert "| 0 | 3 | 0.20 s | 0.30 s |" in table([*trials, Trial("leave", 1.0)])
    assert "| 2 | 1 | 5.00 s | 5.00 s |" in table(trials)
    assert quantile(list(range(100)), 0.95) == 95
    assert "3 × run" not in markdown("", trials, day([1e9] * 30), {})


def test_no_two_wishes_are_alike_and_a_seed_brings_them_back() -> None:
    chance = random.Random(1)
    first, second = wish(chance), wish(chance)
    assert (first.picture, first.seed) != (second.picture, second.seed)
    assert wish(random.Random(1)) == first


def test_what_a_page_shows_is_read_as_a_person_would() -> None:
    seen, names = Seen(), ["status", "live", "numbers"]
    waiting = ["<b>In the queue: 3 runs before yours</b>", {"__type__": "update"}, ""]
    _see(seen, names, waiting, began=0.0)
    assert (seen.place, seen.first, seen.seed) == (3, None, None)
    _see(seen, names, ["", {"image": "data:"}, "<tr><th scope=row>Seed</th><td>77</td></tr>"], began=0.0)
    assert seen.first is not None
    assert (seen.place, seen.seed) == (3, 77)


def test_the_meter_notices_two_runs_at_once_and_in_turns() -> None:
    from threading import Barrier, Thread

    gate = Barrier(2, timeout=10)

    def network(*_: Any) -> None:
        gate.wait()

    meter = Metered(network, 0.0)
    threads = [Thread(target=lambda: [meter(None, None, None) for _ in range(2)]) for _ in range(2)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert meter.runs == 2
    assert meter.overlaps >= 1
    assert meter.interleaved >= 1


@pytest.mark.slow
def test_a_short_day_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--runs", "24", "--clients", "4", "--out", str(tmp_path / "day.md")]) == 0
    assert (tmp_path / "day.md").read_text(encoding="utf-8").strip() == capsys.readouterr().out.strip()
