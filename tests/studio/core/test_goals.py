from studio.core.goals import GOALS, PROMPTS, SECOND_LABEL
from studio.core.presets import DEFAULT, PRESETS, SUITED_FIELDS, preset_of, suited
from studio.core.settings import NEEDS_SECOND_PICTURE, Settings, parse


def test_every_goal_is_offered_but_the_morph_which_has_a_tab_of_its_own() -> None:
    assert {*GOALS, "morph"} == set(Settings.model_fields["loss"].annotation.__args__)


def test_each_goal_says_in_one_line_what_it_does() -> None:
    for line in GOALS.values():
        name, what = line.split(": ")
        assert name
        assert 10 < len(what) < 45


def test_every_second_picture_has_a_label() -> None:
    assert set(SECOND_LABEL) == {*NEEDS_SECOND_PICTURE, "mix"}


def test_prompts_are_short_enough_for_a_chip() -> None:
    assert all(len(prompt) < 30 for prompt in PROMPTS)


def test_settings_are_recognised_as_their_preset() -> None:
    assert preset_of(Settings()) == DEFAULT
    for name, values in PRESETS.items():
        assert preset_of(parse({**values, "seed": 9})) == name
    assert preset_of(Settings(optimisation_steps=11)) is None


def test_a_goal_starts_with_what_suits_it() -> None:
    plain = Settings()
    assert suited("clip_text") == {"z_rate": 0.3, "closeness": 0.5}
    assert suited("identity") == {"z_rate": 0.4, "closeness": 0.2}
    assert suited("morph")["z_rate"] < plain.z_rate
    for loss in GOALS:
        assert set(suited(loss)) == set(SUITED_FIELDS)
        parse({**suited(loss), "loss": loss, "prompt": "a face"})
