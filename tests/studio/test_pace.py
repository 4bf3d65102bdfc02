import pytest

from studio.pace import Pace
from studio.settings import Settings


def test_nothing_is_forecast_before_both_were_measured() -> None:
    pace = Pace()
    pace.saw_encoding(1.0, 10)
    assert pace.remaining(Settings(), 10) is None


def test_a_run_costs_its_encoding_its_updates_and_the_last_sample() -> None:
    pace = Pace(call=0.1, update=0.4)
    settings = Settings(optimisation_steps=5)
    assert pace.remaining(settings, 10) == pytest.approx(10 * 0.1 + 5 * 10 * 0.4 + 10 * 0.1)
    assert pace.remaining(settings, 10, encoded=10, updated=5) == pytest.approx(1.0)


def test_each_measurement_counts_half() -> None:
    pace = Pace()
    pace.saw_update(4.0, 10)
    pace.saw_update(2.0, 10)
    assert pace.update == pytest.approx(0.3)


def test_inverting_an_ode_costs_several_calls_a_step() -> None:
    pace = Pace(call=0.1, update=0.4)
    settings = Settings(mode="ode", optimisation_steps=5)
    assert pace.remaining(settings, 10) == pytest.approx(10 * 10 * 0.1 + 5 * 10 * 0.4 + 10 * 0.1)
