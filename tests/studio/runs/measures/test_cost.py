import pytest

from studio.core.settings import Settings
from studio.runs.measures.cost import CostModel
from studio.runs.measures.memory import Need


def test_nothing_is_forecast_before_both_were_measured() -> None:
    cost_model = CostModel()
    cost_model.record_encoding(1.0, 10, Settings(), 10)
    assert cost_model.remaining(Settings(), 10) is None
    assert cost_model.cost(Settings(), 10).seconds is None


def test_a_run_costs_its_encoding_its_updates_and_the_last_sample() -> None:
    cost_model = CostModel(call=0.1, updates={"discrete": 0.4})
    settings = Settings(optimisation_steps=5)
    assert cost_model.remaining(settings, 10) == pytest.approx(10 * 0.1 + 5 * 10 * 0.4 + 10 * 0.1)
    assert cost_model.remaining(settings, 10, encoded=10, updated=5) == pytest.approx(1.0)


def test_each_measurement_counts_half() -> None:
    cost_model = CostModel()
    cost_model.record_update(4.0, Settings(), 10)
    cost_model.record_update(2.0, Settings(), 10)
    assert cost_model.updates["discrete"] == pytest.approx(0.3)


def test_inverting_an_ode_costs_several_calls_a_step_as_many_as_it_took() -> None:
    cost_model = CostModel(call=0.1, updates={"discrete": 0.4})
    settings = Settings(mode="ode", optimisation_steps=5)
    assert cost_model.remaining(settings, 10) == pytest.approx(10 * 10 * 0.1 + 5 * 10 * 0.4 + 10 * 0.1)
    before = cost_model.cost(settings, 10).calls
    cost_model.record_encoding(4.0, 40, settings, 10)
    assert cost_model.inversion == 7
    assert cost_model.cost(settings, 10).calls == before - 30


def test_a_method_never_used_is_estimated_by_its_calls_and_then_measured() -> None:
    cost_model = CostModel(call=0.1, updates={"discrete": 0.4})
    settings = Settings(gradient="unrolled", optimisation_steps=1)
    estimate = cost_model.remaining(settings, 10, encoded=10)
    assert estimate == pytest.approx(10 * 0.2 + 1.0)
    cost_model.record_update(5.0, settings, 10)
    assert cost_model.remaining(settings, 10, encoded=10) == pytest.approx(10 * 0.5 + 1.0)
    assert cost_model.updates["discrete"] == 0.4


def test_memory_is_the_rest_plus_what_the_method_keeps() -> None:
    cost_model = CostModel(need=Need(state=10, activations=1000))
    few, many = Settings(), Settings(gradient="unrolled")
    assert cost_model.cost(few, 20).memory is None
    cost_model.record_memory(10_000, few, 20)
    assert cost_model.cost(few, 20).memory == 10_000
    assert cost_model.cost(many, 20).memory == 10_000 + 19 * 1000


def test_where_nobody_can_say_memory_stays_unknown() -> None:
    cost_model = CostModel(need=Need(state=10, activations=1000))
    cost_model.record_memory(0, Settings(), 20)
    assert cost_model.cost(Settings(), 20).memory is None


def test_kept_graphs_spare_calls_whatever_the_number_of_steps() -> None:
    plain, keeping = CostModel(call=0.1), CostModel(call=0.1, graphs=8)
    settings = Settings(optimisation_steps=1)
    assert plain.cost(settings, 20).calls - keeping.cost(settings, 20).calls == 8
    assert plain.cost(settings, 5).calls - keeping.cost(settings, 5).calls == 5
    keeping.record_update(20 * 0.4 - 8 * 0.1, settings, 20)
    assert keeping.remaining(settings, 5, encoded=5) == pytest.approx(5 * 0.4 - 5 * 0.1 + 5 * 0.1)


def test_kept_graphs_cost_memory() -> None:
    keeping = CostModel(need=Need(state=10, activations=1000), base=0, graphs=8)
    assert keeping.cost(Settings(), 20).memory == 8 * 1000 + 9 * 20 * 10
    assert keeping.cost(Settings(gradient="adjoint_1"), 20).memory == 1000 + 9 * 20 * 10


def test_an_edit_in_an_area_solves_the_noise_outside_again() -> None:
    edit, whole, text = Settings(loss="edit"), Settings(loss="edit", where=""), Settings(loss="clip_text")
    calls = [CostModel(confines=True).cost(one, 4).calls for one in (edit, whole, text)]
    assert calls == [calls[1] + 4 * edit.optimisation_steps, calls[1], calls[1]]
    assert CostModel(confines=False).cost(edit, 4).calls == calls[1]
