"""Run and Stop, called as Gradio calls them, without a browser."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.core.cancellation import CancelToken
from studio.models.interface import Model
from studio.queue.app_state import Studio
from studio.queue.device import DeviceQueue, Limits
from studio.runs.events import Waiting
from studio.runs.request import Request
from studio.ui.steer.actions import Actions
from studio.ui.steer.inputs import Form, start_picture, wishes
from studio.ui.steer.outputs import outputs


@pytest.fixture
def actions(model: Model) -> Actions:
    studio = Studio(model)
    with gr.Blocks():
        return Actions(studio, studio.stream, Form(start_picture([]), wishes([])), outputs(None, model.digest))


@pytest.fixture
def visitor() -> Any:
    return SimpleNamespace(session_hash="me")


def run(actions: Actions, visitor: Any, first: Path | None, second: Path | None = None, **changed: Any) -> list[Any]:
    named = {name: field.value for name, field in actions.form.fields.items()}
    values = {**named, "sampling_steps": 5, "optimisation_steps": 3, **changed}
    return list(actions.run(visitor, first and str(first), second and str(second), (), *values.values()))


def alert(actions: Actions, updates: dict[Any, Any]) -> str:
    return str(updates.get(actions.outputs.message, ""))


def test_a_run_ends_with_comparison_steps_numbers_and_an_entry_in_the_visit(
    actions: Actions, visitor: Any, face: Path
) -> None:
    *_, last = run(actions, visitor, face)
    out = actions.outputs
    assert set(last[out.compare]) == {"before", "after", "difference", "scale"}
    assert len(last[out.live]["frames"]) == 4
    assert "Measured in this run" in last[out.numbers]
    assert last[out.shown].settings.optimisation_steps == 3
    assert [one.id for one in last[out.runs]] == [entry["id"] for entry in last[out.visit]] == [1]


def test_a_run_on_a_part_of_a_photo_is_shown_in_it(actions: Actions, visitor: Any, face: Path) -> None:
    *_, last = run(actions, visitor, face, crop_zoom=2)
    out = actions.outputs
    assert last[out.compare]["photo"].startswith("data:image/jpeg")
    assert last[out.photo] == str(face)
    actions.end(visitor)
    *_, whole = run(actions, visitor, face)
    assert whole[out.photo] is None
    assert "photo" not in whole[out.compare]


def test_the_last_result_stays_while_the_next_run_works(actions: Actions, visitor: Any, face: Path) -> None:
    *moving, _ = run(actions, visitor, face)
    out = actions.outputs
    touched = set().union(*moving, actions.begin(visitor))
    assert not touched & {out.compare, out.numbers, out.shown, out.visit}
    assert any("image" in updates.get(out.live, {}) for updates in moving)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"prompt": ""}, "The prompt is empty"),
        ({"sampling_steps": 1000}, "Sampling steps: give a whole number from 4 to 50"),
        ({"optimisation_steps": 0}, "Optimisation steps: give a whole number from 1 to 100"),
        ({"loss": "identity"}, "This goal needs a second face"),
        ({"loss": "mix", "mix_picture": 1}, "This mix needs a second picture"),
        ({"loss": "mix", "mix_text": 0, "mix_same": 0}, "The mix is empty"),
        ({"mode": "ode", "order": 2}, "order 2 needs the SDE"),
        ({"crop_zoom": 99}, "Zoom: give a number from 1 to 8"),
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
    def broken(request: Request, stop: CancelToken) -> Any:
        raise RuntimeError("/srv/secret/weights.bin")

    actions.stream = broken
    (updates,) = run(actions, visitor, face)
    assert "incident" in alert(actions, updates)
    assert "secret" not in alert(actions, updates)


def test_a_place_in_line_is_shown(actions: Actions, visitor: Any, face: Path) -> None:
    actions.stream = lambda request, stop: iter([Waiting(2)])
    first, _ = run(actions, visitor, face)
    assert "2 runs come before yours" in first[actions.outputs.status]


def test_stop_while_the_run_still_queues_ends_it_at_its_start(actions: Actions, visitor: Any, face: Path) -> None:
    actions.begin(visitor)
    actions.halt(visitor)
    *_, last = run(actions, visitor, face)
    assert "Stopped before the first step" in last[actions.outputs.status]


def test_a_run_that_was_cut_says_why_and_keeps_what_it_has(model: Model, visitor: Any, face: Path) -> None:
    studio = Studio(model, DeviceQueue(Limits(seconds=0.8)))
    with gr.Blocks():
        actions = Actions(studio, studio.stream, Form(start_picture([]), wishes([])), outputs(None, model.digest))
    *_, result, last = run(actions, visitor, face, optimisation_steps=100, sampling_steps=50)
    assert result[actions.outputs.shown].stopped
    assert "may take 1 seconds here" in alert(actions, last)
    assert 'class="note"' in alert(actions, last)
