from benchmarks.morphing.curves import calls_to_reach, curve, success_after
from tests.benchmarks.rows import morph_row as row


def test_success_after_some_calls_is_that_of_the_lowest_loss_so_far():
    assert [success_after(row(0), calls) for calls in (519, 520, 560, 600)] == [0.0, 0.0, 0.5, 0.5]
    calls, mean = curve([row(0), row(1, encoding_calls=0)])
    assert calls == [20, 60, 100, 520, 560, 600]
    assert mean == [0.0, 0.25, 0.25, 0.25, 0.5, 0.5]
    assert calls_to_reach([row(0)], 0.5) == 560
    assert calls_to_reach([row(0)], 0.9) is None
