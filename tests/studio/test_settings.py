import pytest

from studio.messages import UserError
from studio.presets import DEFAULT, PRESETS
from studio.settings import LARGEST_SEED, Settings, bounds, parse, title


def test_defaults_are_the_default_preset() -> None:
    settings = Settings()
    assert {name: getattr(settings, name) for name in PRESETS[DEFAULT]} == dict(PRESETS[DEFAULT])


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid(name: str) -> None:
    parse(PRESETS[name])


def test_settings_survive_json() -> None:
    settings = parse({"prompt": "ein Gesicht mit “roten” Haaren", "seed": LARGEST_SEED})
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_a_slider_may_give_a_whole_number_as_float() -> None:
    assert parse({"sampling_steps": 12.0}).sampling_steps == 12


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"sampling_steps": 999}, "Sampling steps: give a whole number from 4 to 50, but it is 999."),
        ({"sampling_steps": 10.5}, "Sampling steps: give a whole number from 4 to 50, but it is 10.5."),
        ({"optimisation_steps": 0}, "Optimisation steps: give a whole number from 1 to 100, but it is 0."),
        ({"optimisation_steps": None}, "Optimisation steps: give a whole number from 1 to 100, but it is missing."),
        ({"noise_level": float("nan")}, "Noise level: give a number from 0.1 to 1, but it is nan."),
        ({"noise_level": "much"}, "Noise level: give a number from 0.1 to 1, but it is much."),
        ({"seed": -1}, "Seed: give a whole number from 0 to 4,294,967,295, but it is -1."),
        ({"seed": LARGEST_SEED + 1}, "Seed: give a whole number from 0 to 4,294,967,295, but it is 4294967296."),
        ({"mode": "both"}, "Sampler: choose 'sde' or 'ode', but it is both."),
        ({"prompt": "a" * 301}, "Prompt: give a text of at most 300 characters, but it is 301 characters long."),
        ({"colour": 1}, "These settings hold a field that this version does not know: colour."),
        ({"version": 2}, "These settings were written by version 2, but this is version 1."),
    ],
)
def test_each_rule_has_one_sentence_with_field_rule_and_value(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        parse(values)
    assert str(error.value) == sentence


def test_bounds_and_titles_come_from_the_fields() -> None:
    assert bounds("sampling_steps") == (4, 50)
    assert title("z_rate") == "Learning rate of z"
