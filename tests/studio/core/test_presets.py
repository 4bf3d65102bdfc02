import pytest

from benchmarks.morphing.plan import EXPERIMENTS
from studio.core.presets import PAPER, PRESETS, preset_of, preset_values
from studio.core.settings import parse


def test_a_preset_makes_no_more_steps_than_a_distilled_model() -> None:
    assert preset_values("Paper") == PRESETS["Paper"]
    assert preset_values("Paper", 4) == {**PRESETS["Paper"], "sampling_steps": 4}
    assert preset_values("Quick", 40) == PRESETS["Quick"]
    assert preset_values(None, 4) == {}
    assert preset_of(parse(preset_values("Paper", 4)), 4) == "Paper"
    assert preset_of(parse(preset_values("Paper", 4))) is None


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("Table 1: AdjointDEIS-1, ODE", "AdjointDEIS-1, ODE"),
        ("Table 1: AdjointDEIS-1, SDE", "AdjointDEIS-1, SDE"),
        ("Table 6: learning rate 1", "AdjointDEIS-1, rate 1"),
        ("Table 6: learning rate 0.01", "AdjointDEIS-1, rate .01"),
        ("Appendix F.3: ODE, N = 50", "AdjointDEIS-1, ODE, N = 50"),
        ("Appendix F.3: SDE, N = 50", "AdjointDEIS-1, SDE, N = 50"),
    ],
)
def test_a_run_of_the_paper_has_the_settings_of_the_benchmark(name: str, method: str) -> None:
    settings = parse({**PAPER[name], "loss": "morph"})
    there = next(one for methods in EXPERIMENTS.values() for one in methods if one.name == method)
    found = (settings.gradient, settings.sampling_steps, settings.optimisation_steps, settings.optimiser, settings.mode)
    assert found == (there.gradient, there.steps, there.updates, there.optimizer, "sde" if there.sde else "ode")
    assert {settings.z_rate, settings.noise_rate} == set(there.rates.values())
    assert settings.closeness == 0
