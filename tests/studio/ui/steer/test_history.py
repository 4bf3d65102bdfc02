from PIL import Image

from studio.core.settings import Settings
from studio.runs.events import CurvePoint, Outcome
from studio.runs.measures.round_trip import RoundTrip
from studio.ui.steer.history import MOST, HistoryEntry, entries, keep

PICTURE = Image.new("RGB", (4, 4))


def outcome(seed: int, prompt: str = "a face with a hat") -> Outcome:
    point = CurvePoint(0, 0.5, {}, {"Match": 0.25})
    settings = Settings(seed=seed, prompt=prompt)
    frames = (PICTURE,) * 5
    return Outcome(settings, PICTURE, PICTURE, point, (point,), False, RoundTrip(0, 1.0), 10, 1.5, frames)


def visit(runs: int) -> tuple[HistoryEntry, ...]:
    kept: tuple[HistoryEntry, ...] = ()
    for seed in range(runs):
        kept = keep(kept, outcome(seed))
    return kept


def test_the_newest_is_first_and_numbers_are_never_used_twice() -> None:
    assert [run.id for run in visit(3)] == [3, 2, 1]
    assert max(run.id for run in visit(MOST + 2)) == MOST + 2


def test_a_long_visit_forgets_its_oldest_runs_and_all_their_frames() -> None:
    kept = visit(MOST + 5)
    assert len(kept) == MOST
    assert kept[-1].outcome.settings.seed == 5
    assert all(run.outcome.frames == () for run in kept)


def test_an_entry_has_every_setting_and_number_that_two_runs_may_differ_in() -> None:
    first, second = entries(visit(2))
    assert {name for name in first["facts"] if first["facts"][name] != second["facts"][name]} == {"Seed"}
    assert first["facts"]["Match"] == "0.250"
    assert first["title"] == "a face with a hat"
    assert "0.25 → 0.25" in first["summary"]
