"""The page's handlers, called as Gradio calls them, without a browser."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from studio.goals import SECOND_LABEL
from studio.model import Model
from studio.page_actions import Actions
from studio.page_inputs import wishes
from studio.page_outputs import outputs
from studio.record import read_settings, record, to_png
from studio.request import Request
from studio.run import steer
from studio.shared import Studio
from studio.stops import Flag


@pytest.fixture
def actions(model: Model) -> Actions:
    studio = Studio(model)
    with gr.Blocks():
        return Actions(studio, studio.stream, wishes([]), outputs(None, model))


@pytest.fixture
def visitor() -> Any:
    return SimpleNamespace(session_hash="me")


def run(actions: Actions, visitor: Any, first: Path | None, second: Path | None = None, **changed: Any) -> list[Any]:
    named = {name: field.value for name, field in actions.wishes.fields.items()}
    values = {**named, "sampling_steps": 5, "optimisation_steps": 3, **changed}
    return list(actions.run(visitor, first and str(first), second and str(second), *values.values()))


def alert(actions: Actions, updates: dict[Any, Any]) -> str:
    return str(updates.get(actions.outputs.message, ""))


def test_a_run_ends_with_comparison_numbers_and_files(actions: Actions, visitor: Any, face: Path) -> None:
    *_, last = run(actions, visitor, face)
    before, after = last[actions.outputs.compare]
    assert before.size == after.size == last[actions.outputs.live].size == (512, 512)
    assert "Measured in this run" in last[actions.outputs.numbers]


def test_the_last_result_stays_while_the_next_run_works(actions: Actions, visitor: Any, face: Path) -> None:
    *moving, _ = run(actions, visitor, face)
    touched = set().union(*moving, actions.begin(visitor))
    assert not touched & {actions.outputs.compare, actions.outputs.numbers, actions.outputs.save}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"prompt": ""}, "The prompt is empty"),
        ({"sampling_steps": 1000}, "Sampling steps: give a whole number from 4 to 50"),
        ({"optimisation_steps": 0}, "Optimisation steps: give a whole number from 1 to 100"),
        ({"loss": "identity"}, "This goal needs a second face"),
        ({"loss": "morph"}, "A morph needs a second face"),
        ({"seed": None}, "Seed: give a whole number"),
    ],
)
def test_a_mistake_is_one_sentence_and_the_next_run_works(
    actions: Actions, visitor: Any, face: Path, changed: dict[str, Any], sentence: str
) -> None:
    (updates,) = run(actions, visitor, face, **changed)
    assert sentence in alert(actions, updates)
    assert set(updates) == {actions.outputs.status, actions.outputs.message}
    actions.end(visitor)
    assert actions.outputs.compare in run(actions, visitor, face)[-1]


def test_no_image_is_one_sentence(actions: Actions, visitor: Any) -> None:
    (updates,) = run(actions, visitor, None)
    assert "There is no image yet" in alert(actions, updates)


def test_an_unknown_failure_shows_no_internals(actions: Actions, visitor: Any, face: Path) -> None:
    def broken(request: Request, stop: Flag) -> Any:
        raise RuntimeError("/srv/secret/weights.bin")

    actions.stream = broken
    (updates,) = run(actions, visitor, face)
    assert "incident" in alert(actions, updates)
    assert "secret" not in alert(actions, updates)


def test_stop_while_the_run_still_queues_ends_it_at_its_start(actions: Actions, visitor: Any, face: Path) -> None:
    actions.begin(visitor)
    actions.halt(visitor)
    *_, last = run(actions, visitor, face)
    assert "Stopped before the first step" in last[actions.outputs.status]


def test_an_upload_is_looked_at_before_run(
    actions: Actions, visitor: Any, save_picture: Callable[..., Path], tmp_path: Path
) -> None:
    seen = actions.look(visitor, str(save_picture(size=(300, 200))))
    assert isinstance(seen[actions.outputs.live], Image.Image)
    (tmp_path / "text.png").write_text("a text, renamed")
    assert "cannot be read as a picture" in alert(actions, actions.look(visitor, str(tmp_path / "text.png")))


def test_each_goal_shows_what_it_needs(actions: Actions) -> None:
    for goal in ("clip_text", "clip_directional", "clip_image", "identity", "morph"):
        shown = actions.choose_goal(goal)
        assert shown[actions.wishes.second_box].visible == (goal in SECOND_LABEL)
        assert shown[actions.wishes.prompt_box].visible == goal.startswith("clip_t") or goal == "clip_directional"
        assert shown[actions.wishes.source_box].visible == (goal == "clip_directional")


def test_a_preset_moves_only_what_it_names(actions: Actions) -> None:
    fields = actions.wishes.fields
    moved = actions.choose_preset("Paper")
    assert moved == {
        fields["mode"]: "ode",
        fields["sampling_steps"]: 20,
        fields["noise_level"]: 1.0,
        fields["optimisation_steps"]: 50,
    }


def test_a_saved_picture_restores_every_field(
    actions: Actions, model: Model, request_for: Callable[..., Request], flag: Flag, tmp_path: Path
) -> None:
    *_, outcome = steer(model, request_for(prompt="a blue hat", seed=99, mode="ode"), flag)
    path = tmp_path / "saved.png"
    path.write_bytes(to_png(outcome.after, record(outcome, model)))
    restored = actions.restore(str(path))
    settings = read_settings(path)
    for name, field in actions.wishes.fields.items():
        assert restored[field] == getattr(settings, name)


def test_a_file_without_settings_is_one_sentence(actions: Actions, face: Path) -> None:
    assert "holds no settings" in alert(actions, actions.restore(str(face)))


def test_a_run_has_a_price_once_one_was_measured(actions: Actions, visitor: Any, face: Path) -> None:
    costs = ("sde", 10, 0.7, 12)
    assert actions.forecast(*costs) == ""
    run(actions, visitor, face)
    assert "A run takes about" in actions.forecast(*costs)
    assert actions.forecast("sde", 1000, 0.7, 12) == ""


def test_seeds_are_in_range(actions: Actions) -> None:
    assert len({actions.roll() for _ in range(20)}) > 1
    assert all(0 <= actions.roll() < 2**32 for _ in range(100))
