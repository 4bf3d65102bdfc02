from studio.core.presets import PRESETS, preset_of, preset_values
from studio.core.settings import parse


def test_a_preset_makes_no_more_steps_than_a_distilled_model() -> None:
    assert preset_values("Paper") == PRESETS["Paper"]
    assert preset_values("Paper", 4) == {**PRESETS["Paper"], "sampling_steps": 4}
    assert preset_values("Quick", 40) == PRESETS["Quick"]
    assert preset_values(None, 4) == {}
    assert preset_of(parse(preset_values("Paper", 4)), 4) == "Paper"
    assert preset_of(parse(preset_values("Paper", 4))) is None
