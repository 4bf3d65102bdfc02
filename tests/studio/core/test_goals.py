import pytest

from studio.core.errors import UserError
from studio.core.goals import GOALS, PROMPTS, SUITED_FIELDS, Goal, offered
from studio.core.presets import DEFAULT, PRESETS, preset_of, suited
from studio.core.settings import Settings, choices, parse


def test_every_goal_is_offered_but_the_morph_which_has_a_tab_of_its_own() -> None:
    assert {*(goal.name for goal in offered("steer")), "morph"} == set(choices("loss"))
    assert [goal.name for goal in offered("morph")] == ["morph"]


def test_each_goal_says_in_one_line_what_it_does() -> None:
    for goal in GOALS.values():
        name, what = goal.line.split(": ")
        assert name
        assert 10 < len(what) < 45


def test_every_second_picture_has_a_label() -> None:
    needing = [goal for goal in GOALS.values() if "second_picture" in goal.requires]
    assert len({goal.second_label for goal in needing}) == len(needing) > 1


def test_prompts_are_short_enough_for_a_chip() -> None:
    assert all(len(prompt) < 30 for prompt in PROMPTS)


def test_settings_are_recognised_as_their_preset() -> None:
    assert preset_of(Settings()) == DEFAULT
    for name, values in PRESETS.items():
        assert preset_of(parse({**values, "seed": 9})) == name
    assert preset_of(Settings(optimisation_steps=11)) is None


def test_a_goal_starts_with_what_suits_it() -> None:
    assert suited("edit") == {"z_rate": 0.15, "closeness": 2.0}
    assert suited("clip_text") == {"z_rate": 0.3, "closeness": 0.5}
    assert suited("identity") == {"z_rate": 0.25, "closeness": 0.2}
    assert suited("morph")["z_rate"] < suited("clip_text")["z_rate"]
    for loss in GOALS:
        assert set(suited(loss)) == set(SUITED_FIELDS)
        parse({**suited(loss), "loss": loss, "prompt": "a face"})


def test_the_networks_that_a_goal_requires_stand_behind_its_label() -> None:
    lines = {goal.name: goal.line for goal in GOALS.values()}
    assert lines["clip_text"] == "Text: match a prompt (CLIP)"
    assert lines["identity"] == "Person: become another person (face network)"
    assert lines["mix"] == "Mix: weighted sum of goals"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"build": None}, "the goal 'red' needs either `build` or `parts`"),
        ({"requires": ("clips",)}, "`requires` of the goal 'red' may name prompt, .*, but it names clips"),
        ({"defaults": {"seed": 1}}, "`defaults` of the goal 'red' may name z_rate, closeness, but it names seed"),
        ({"tabs": ("about",)}, "`tabs` of the goal 'red' may name steer, morph, compare, but it names about"),
    ],
)
def test_a_goal_that_cannot_work_is_refused_when_it_is_made(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Goal(**{"name": "red", "label": "Red: more of it", "build": lambda *_: None, **wrong})  # type: ignore[arg-type]


def test_an_unknown_goal_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UserError, match=r"^There is no goal 'joy': choose 'edit', 'clip_text', .* or '\w+'\.$"):
        suited("joy")
    with pytest.raises(UserError, match="There is no goal 'joy'"):
        Settings.model_construct(loss="joy").needs_prompt  # noqa: B018 - the property raises
