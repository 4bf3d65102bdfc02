from dataclasses import replace

from benchmarks.page_times import REACHED, ROWS, Click, drawn_after, first_met, table
from studio.export.recordings import load
from studio.runs.measures.history import RunHistory


def test_a_picture_is_drawn_when_its_step_or_a_later_one_is_shown() -> None:
    drawn = [("inverting to noise", 10.0), ("step 0 of 20", 20.0), ("step 2 of 20", 30.0), ("frames 5", 40.0)]
    assert [drawn_after(drawn, step) for step in (0, 1, 2, 3, 5, 6)] == [20.0, 30.0, 30.0, 40.0, 40.0, None]


def test_the_first_step_that_meets_the_goal_is_found() -> None:
    outcome = next(one.outcome for one in load() if one.outcome.settings.goal.reached)
    step, history = first_met(outcome), RunHistory(outcome.settings.goal.reached)
    assert step is not None
    assert step > 0
    assert [history.met(point) for point in outcome.curve if point.step <= step] == [False] * step + [True]
    assert first_met(replace(outcome, curve=outcome.curve[:step])) is None


def test_the_table_leaves_out_what_was_not_reached() -> None:
    full = dict.fromkeys(ROWS, 1.0)
    unreached = {name: 3.0 for name in ROWS if name != REACHED}
    shown = table({64: [Click(full, True), Click(unreached, False)]}).splitlines()
    assert "| 64 px | 2 | first paint | 2.00 | 3.00 |" in shown
    assert "| 64 px | 1 | goal reached | 1.00 | 1.00 |" in shown
    assert shown[-1] == "| 64 px | 2 | confirmed by held-out networks | 1 | |"
