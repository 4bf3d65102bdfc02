from studio.core.presets import PRESETS, StepRange, preset_of, preset_values
from studio.core.settings import parse


def test_a_preset_makes_a_number_of_steps_that_suits_the_model() -> None:
    four, any_number = StepRange(most=4), StepRange(fewest=4)
    assert preset_values("Paper") == preset_values("Paper", any_number) == PRESETS["Paper"]
    assert preset_values("Paper", four) == {**PRESETS["Paper"], "sampling_steps": 4}
    assert preset_values("Quick", StepRange(most=40)) == PRESETS["Quick"]
    assert preset_values("Quick", any_number) == {**PRESETS["Quick"], "sampling_steps": 4}
    assert preset_values(None, four) == {}
    assert preset_of(parse(preset_values("Paper", four)), four) == "Paper"
    assert preset_of(parse(preset_values("Paper", four))) is None
