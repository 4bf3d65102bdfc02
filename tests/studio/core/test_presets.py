from studio.core.presets import PRESETS, fitted


def test_a_preset_makes_no_more_steps_than_a_distilled_model() -> None:
    assert fitted(PRESETS["Paper"], 0) == PRESETS["Paper"]
    assert fitted(PRESETS["Paper"], 4) == {**PRESETS["Paper"], "sampling_steps": 4}
    assert fitted(PRESETS["Quick"], 40) == PRESETS["Quick"]
