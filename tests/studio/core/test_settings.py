import pytest

from studio.core.errors import UserError
from studio.core.goals import GOALS
from studio.core.presets import DEFAULT, PRESETS, suited
from studio.core.settings import LARGEST_SEED, MIX, Settings, bounds, changed, parse, title

# every field that version 1 had, as it wrote them
OLD = {
    "version": 1,
    "loss": "clip_directional",
    "prompt": "a face with a hat",
    "source_text": "a face",
    "mode": "ode",
    "sampling_steps": 20,
    "noise_level": 0.7,
    "optimisation_steps": 50,
    "variables": "z",
    "z_rate": 0.1,
    "noise_rate": 0.02,
    "gradient": "adjoint_2",
    "optimiser": "sgd",
    "closeness": 0.5,
    "seed": 99,
}


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
        ({"sampling_steps": 999}, "Sampling steps: give a whole number from 2 to 50, but it is 999."),
        ({"sampling_steps": 10.5}, "Sampling steps: give a whole number from 2 to 50, but it is 10.5."),
        ({"optimisation_steps": 0}, "Optimisation steps: give a whole number from 1 to 100, but it is 0."),
        ({"optimisation_steps": None}, "Optimisation steps: give a whole number from 1 to 100, but it is missing."),
        ({"noise_level": float("nan")}, "Noise level: give a number from 0.1 to 1, but it is nan."),
        ({"noise_level": "much"}, "Noise level: give a number from 0.1 to 1, but it is much."),
        ({"seed": -1}, "Seed: give a whole number from 0 to 4,294,967,295, but it is -1."),
        ({"seed": LARGEST_SEED + 1}, "Seed: give a whole number from 0 to 4,294,967,295, but it is 4294967296."),
        ({"mode": "both"}, "Sampler: choose 'sde' or 'ode', but it is both."),
        ({"prompt": "a" * 301}, "Prompt: give a text of at most 300 characters, but it is 301 characters long."),
        ({"colour": 1}, "These settings hold the unknown field colour: remove it."),
        ({"order": 3}, "Sampler order: give a whole number from 1 to 2, but it is 3."),
        (
            {"order": 2, "mode": "ode"},
            "Sampler order: order 2 needs the SDE, because an ODE of order 2 has no lossless inversion; choose 1.",
        ),
        (
            {"loss": "mix", **dict.fromkeys(MIX, 0)},
            "The mix is empty: give at least one of its losses a weight above 0.",
        ),
        (
            {"version": 8},
            "These settings were written by version 8 of the studio, but this one reads up to version 7: update the "
            "studio, or enter the settings by hand.",
        ),
    ],
)
def test_each_rule_has_one_sentence_with_field_rule_and_value(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        parse(values)
    assert str(error.value) == sentence


def test_bounds_and_titles_come_from_the_fields() -> None:
    assert bounds("sampling_steps") == (2, 50)
    assert title("z_rate") == "Learning rate, z"


def test_settings_of_version_1_are_brought_up_to_date() -> None:
    settings = parse(OLD)
    assert settings.version == 7
    assert {name: getattr(settings, name) for name in OLD if name != "version"} == {
        name: value for name, value in OLD.items() if name != "version"
    }
    new = Settings.model_fields.keys() - OLD.keys()
    usual = Settings(where="", sampling_steps=4)
    assert {name: getattr(settings, name) for name in new} == {name: getattr(usual, name) for name in new}


@pytest.mark.parametrize("version", [1, 2])
def test_what_an_old_file_leaves_out_means_what_it_meant_then(version: int) -> None:
    settings = parse({"version": version, "loss": "identity", "closeness": 2.0})
    assert (settings.optimiser, settings.z_rate, settings.optimisation_steps) == ("adam", 0.2, 10)
    assert settings.closeness == 2.0


@pytest.mark.parametrize("version", [1, 2, 3])
def test_pictures_were_kept_closer_before_version_4(version: int) -> None:
    assert parse({"version": version}).closeness == 1.0
    assert parse({"version": 4}).closeness == 0.5


@pytest.mark.parametrize("version", [4, 5])
def test_an_edit_could_change_the_whole_picture_before_version_6(version: int) -> None:
    assert parse({"version": version, "loss": "edit"}).everywhere
    assert not Settings(loss="edit").everywhere
    assert Settings(loss="clip_text").everywhere


def test_there_were_fewer_updates_before_version_4() -> None:
    assert parse({"version": 3}).optimisation_steps == 15
    assert parse({"version": 3, "optimisation_steps": 30}).optimisation_steps == 30
    assert parse({"version": 4}).optimisation_steps == Settings().optimisation_steps == 20


def test_a_run_made_four_sampling_steps_before_version_7() -> None:
    assert parse({"version": 6}).sampling_steps == parse({"version": 5}).sampling_steps == 4
    assert Settings().sampling_steps == 2


@pytest.mark.parametrize(("version", "z_rate"), [(1, 0.2), (2, 0.2), (3, 0.3), (4, 0.3)])
def test_a_match_by_eight_steps_was_the_default_before_version_5(version: int, z_rate: float) -> None:
    settings = parse({"version": version})
    assert (settings.loss, settings.sampling_steps, settings.z_rate) == ("clip_text", 8, z_rate)
    assert (parse({}).loss, parse({}).sampling_steps) == ("edit", 2)
    assert parse({"version": version, "loss": "edit", "sampling_steps": 2}).sampling_steps == 2


@pytest.mark.parametrize("loss", GOALS)
def test_before_version_5_no_goal_had_defaults_of_its_own(loss: str) -> None:
    settings = parse({"version": 4, "loss": loss})
    assert (settings.z_rate, settings.closeness) == (0.3, 0.5)


@pytest.mark.parametrize("loss", GOALS)
def test_what_is_not_given_suits_the_goal(loss: str) -> None:
    for settings in (parse({"loss": loss}), Settings(loss=loss)):
        assert {name: getattr(settings, name) for name in suited(loss)} == suited(loss)
        assert settings.model_dump().items() >= GOALS[loss].defaults.items()
    assert parse({"loss": loss, "closeness": 0.7}).closeness == 0.7


def test_the_default_goal_is_listed_first() -> None:
    assert next(iter(GOALS)) == Settings().loss


@pytest.mark.parametrize("loss", [None, 10**5000, ["edit"], {"edit": 1}], ids=["none", "large", "list", "mapping"])
def test_a_goal_that_is_no_text_is_refused(loss: object) -> None:
    with pytest.raises(UserError, match=r"^Goal: "):
        parse({"loss": loss})


def test_a_file_that_says_nothing_of_closeness_means_pixels() -> None:
    assert parse({"version": 3, "loss": "identity", "closeness": 2.0}).closeness_kind == "pixels"
    with pytest.raises(
        UserError, match=r"^Closeness measure: choose 'pixels', 'structure' or 'features', but it is ssim\.$"
    ):
        parse({"closeness_kind": "ssim"})


def test_a_query_is_all_text() -> None:
    assert parse({"version": "7", "seed": "7", "crop_zoom": "1.5", "order": "2"}) == Settings(
        seed=7, crop_zoom=1.5, order=2
    )
    assert parse({"version": "4", "seed": "7"}) == parse({"version": 4, "seed": 7})


def test_only_what_differs_from_the_defaults_needs_to_be_told() -> None:
    settings = parse({"prompt": "a face with a hat", "seed": 4})
    assert changed(settings) == {"prompt": "a face with a hat", "seed": 4}
    assert parse(changed(settings)) == settings


@pytest.mark.parametrize("loss", GOALS)
def test_what_differs_from_the_defaults_of_its_goal_is_told(loss: str) -> None:
    assert changed(Settings(loss=loss)) == ({} if loss == "edit" else {"loss": loss})
    for other in map(suited, GOALS):
        settings = parse({"loss": loss, **other})
        assert parse(changed(settings)) == settings


@pytest.mark.parametrize(
    ("values", "needs"),
    [
        ({"loss": "clip_text"}, (True, False, False)),
        ({"loss": "clip_directional"}, (True, True, False)),
        ({"loss": "clip_image"}, (False, False, True)),
        ({"loss": "mix"}, (True, False, False)),
        ({"loss": "mix", "mix_text": 0}, (False, False, False)),
        ({"loss": "mix", "mix_text": 0, "mix_direction": 1}, (True, True, False)),
        ({"loss": "mix", "mix_picture": 0.1}, (True, False, True)),
        ({"loss": "mix", "mix_text": 0, "mix_person": 2}, (False, False, True)),
    ],
)
def test_a_goal_needs_what_its_losses_need(values: dict[str, object], needs: tuple[bool, bool, bool]) -> None:
    settings = parse(values)
    assert (settings.needs_prompt, settings.needs_source_text, settings.needs_second_picture) == needs
