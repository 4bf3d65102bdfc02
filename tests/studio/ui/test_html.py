import pytest
from PIL import Image

from studio.core.settings import Settings, Variables
from studio.runs.events import CurvePoint, Outcome, Progress
from studio.runs.measures.cost import Cost
from studio.runs.measures.round_trip import RoundTrip
from studio.ui import html as texts

PICTURE = Image.new("RGB", (4, 4))
EVIL = "<script>alert(1)</script>"


def finished(best: int = 3, stopped: bool = False, round_trip: RoundTrip = RoundTrip(0, float("inf"))) -> Outcome:  # noqa: B008 -- frozen
    curve = tuple(CurvePoint(step, 1 - step / 10, {}, {f"Match with “{EVIL}”": step / 10}) for step in range(4))
    return Outcome(Settings(seed=42), PICTURE, PICTURE, curve[best], curve, stopped, round_trip, 1234, 7.25)


def test_the_bar_tells_a_screen_reader_where_it_is() -> None:
    bar = texts.progress(Progress("optimise", 3, 12, 4.4, PICTURE, (), 0))
    assert 'role="progressbar"' in bar
    assert 'aria-valuenow="32"' in bar
    assert "Optimising: step 3 of 12" in bar
    assert "about 4 s left" in bar


def test_without_a_forecast_nothing_is_made_up() -> None:
    assert texts.seconds_left(None) == ""
    assert texts.expected(Cost(120, None, None)) == '<p class="hint">Expected cost of a run: 120 network calls.</p>'


def test_the_cost_of_a_run_is_said_in_calls_time_and_memory() -> None:
    line = texts.expected(Cost(1234, 12.4, 250_000_000))
    assert "of a run: 1,234 network calls, about 12 s, about 250 MB memory" in line
    assert "of a run: at most 1,234 network calls, about 12 s" in texts.expected(Cost(1234, 12.4, None), at_most=True)


def test_on_the_way_loss_match_calls_and_memory_are_told() -> None:
    point = CurvePoint(1, 0.5, {}, {"Match": 0.25})
    line = texts.measured(Progress("optimise", 1, 3, None, PICTURE, (point,), 1200, 1_300_000_000))
    assert line == "loss 0.500 · Match 0.25 · 1,200 network calls · 1.3 GB"


def test_of_several_probabilities_each_is_named_by_its_prompt() -> None:
    point = CurvePoint(1, 0.5, {}, {"Probability of “red hair”": 0.25, f"Probability of “{EVIL}”": 0.5})
    event = Progress("optimise", 1, 3, None, PICTURE, (point,), 8)
    assert texts.measured(event) == f"loss 0.500 · “red hair” 0.25 · “{EVIL}” 0.50 · 8 network calls"
    assert EVIL not in texts.progress(event)
    alone = CurvePoint(1, 0.5, {}, {"Probability of “red hair”": 0.25})
    assert texts.measured(Progress("optimise", 1, 3, None, PICTURE, (alone,), 8)).startswith(
        "loss 0.500 · Probability 0.25 "
    )


def test_the_position_in_the_queue_is_shown() -> None:
    assert texts.position(1) == "In the queue: 1 run before yours"
    assert texts.position(3) == "In the queue: 3 runs before yours"


def test_a_recording_says_so_and_also_when_the_weights_have_changed() -> None:
    assert texts.recorded("red hair", True) == "Recorded run: red hair. Press Run to compute it now."
    assert "other weights" in texts.recorded("red hair", False)


def test_long_times_are_said_in_minutes() -> None:
    assert texts.seconds_left(150) == "about 2.5 min left"


def test_numbers_show_before_and_after_and_the_cost() -> None:
    table = texts.numbers(finished())
    assert "0.000 → <b>0.300</b>" in table
    assert "<b>lossless (0 of 255 levels off)</b>" in table
    assert "1,234" in table
    assert "42" in table


def test_a_round_trip_that_is_not_exact_is_shown_as_measured() -> None:
    assert "at most 17 of 255 levels off, PSNR 31.4 dB" in texts.numbers(finished(round_trip=RoundTrip(17, 31.42)))


def test_what_a_person_wrote_cannot_become_markup() -> None:
    for html in (texts.numbers(finished()), texts.alert(EVIL), texts.note(EVIL), texts.progress_bar(EVIL, 0, EVIL)):
        assert EVIL not in html


def test_the_end_says_what_happened() -> None:
    assert texts.finished(finished()) == "Finished in 7 s."
    assert "Stopped after step 3" in texts.finished(finished(stopped=True))
    assert "no step lowered the loss" in texts.finished(finished(best=0))


@pytest.mark.parametrize(
    ("variables", "moved"), [("both", "move noise and code."), ("noise", "move the noise."), ("z", "move the code.")]
)
def test_an_audience_reads_what_the_gradient_moves(variables: Variables, moved: str) -> None:
    assert moved in texts.asked(Settings(prompt="a hat", variables=variables))
