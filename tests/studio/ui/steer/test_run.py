"""A run of the Steer tab, called as Gradio calls it, without a browser."""

import dataclasses
import itertools
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import Tensor

from studio.core.cancellation import CancelToken
from studio.models.interface import Model
from studio.queue.app_state import Studio, Task
from studio.queue.device import DeviceQueue, Limits
from studio.runs.events import Waiting
from studio.ui.job import JobHandlers
from studio.ui.steer.inputs import Form
from studio.ui.steer.outputs import Outputs
from studio.ui.steer.run import steer_fresh, steer_work
from tests.studio.ui.steer.conftest import Components


@dataclass
class Tab:
    """The Steer tab's components and their handlers."""

    form: Form
    outputs: Outputs
    handlers: JobHandlers


def tab(components: Components, studio: Studio, stream: Any = None) -> Tab:
    form, outputs = components.form, components.outputs

    def size() -> int:
        return studio.model.size

    work, fresh = steer_work(stream or studio.stream, form, outputs, size), steer_fresh(form, outputs, size)
    return Tab(form, outputs, JobHandlers(outputs.job, studio.cancel_tokens, work, fresh))


@pytest.fixture
def steer(components: Components, model: Model) -> Tab:
    return tab(components, Studio(model))


@pytest.fixture
def client() -> Any:
    return SimpleNamespace(session_hash="me")


def inputs(steer: Tab, first: Path | None, second: Path | None = None, live: bool = True, **changed: Any) -> list[Any]:
    named = {name: field.value for name, field in steer.form.fields.items()}
    values = {**named, "sampling_steps": 5, "optimisation_steps": 3, **changed}
    return [first and str(first), second and str(second), (), live, *values.values()]


def run(steer: Tab, client: Any, first: Path | None, second: Path | None = None, **changed: Any) -> list[Any]:
    return list(steer.handlers.run(client, *inputs(steer, first, second, **changed)))


def alert(steer: Tab, updates: dict[Any, Any]) -> str:
    return str(updates.get(steer.outputs.message, ""))


def test_a_run_ends_with_comparison_steps_numbers_and_an_entry_in_the_visit(
    steer: Tab, client: Any, face: Path
) -> None:
    *_, last = run(steer, client, face)
    out = steer.outputs
    assert set(last[out.compare]) == {"before", "after", "difference", "scale"}
    assert len(last[out.live]["frames"]) == 4
    assert "Measured in this run" in last[out.numbers]
    assert last[out.shown].settings.optimisation_steps == 3
    assert [one.id for one in last[out.runs]] == [entry["id"] for entry in last[out.visit]] == [1]


def test_a_run_on_a_part_of_a_photo_is_shown_in_it(steer: Tab, client: Any, face: Path) -> None:
    *_, last = run(steer, client, face, crop_zoom=2)
    out = steer.outputs
    assert last[out.compare]["photo"].startswith("data:image/jpeg")
    assert last[out.photo] == str(face)
    steer.handlers.end(client)
    *_, whole = run(steer, client, face)
    assert whole[out.photo] is None
    assert "photo" not in whole[out.compare]


def test_a_run_shows_its_own_picture_and_goal_and_nothing_of_the_run_before(
    steer: Tab, client: Any, face: Path
) -> None:
    out = steer.outputs
    begun, started, *moving, _ = run(steer, client, face, prompt="a <b>hat</b>")
    assert begun[out.shown] is None
    assert set(begun[out.compare]) == {"before"}
    assert begun[out.live]["image"] == begun[out.compare]["before"] != ""
    assert "Measured" not in begun[out.numbers]
    assert "Goal: <b>a &lt;b&gt;hat" in started[out.asked]
    assert started[out.compare] == begun[out.compare]
    assert any("image" in updates.get(out.live, {}) for updates in moving)
    assert not set().union(*moving) & {out.compare, out.numbers, out.shown, out.visit}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"prompt": ""}, "The prompt is empty"),
        ({"sampling_steps": 1000}, "Sampling steps: give a whole number from 2 to 50"),
        ({"optimisation_steps": 0}, "Optimisation steps: give a whole number from 1 to 100"),
        ({"loss": "identity"}, "This goal needs a target face"),
        ({"loss": "mix", "mix_picture": 1}, "This mix needs a second picture"),
        ({"loss": "mix", "mix_text": 0, "mix_same": 0}, "The mix is empty"),
        ({"mode": "ode", "order": 2}, "order 2 needs the SDE"),
        ({"crop_zoom": 99}, "Zoom factor: give a number from 1 to 8"),
        ({"seed": None}, "Seed: give a whole number"),
    ],
)
def test_a_mistake_is_one_sentence_and_the_next_run_works(
    steer: Tab, client: Any, face: Path, changed: dict[str, Any], sentence: str
) -> None:
    _, updates = run(steer, client, face, **changed)
    assert sentence in alert(steer, updates)
    assert "Run failed" in updates[steer.outputs.job.status]
    assert updates[steer.outputs.shown] is None
    assert set(updates[steer.outputs.compare]) == {"before"}
    steer.handlers.end(client)
    assert steer.outputs.compare in run(steer, client, face)[-1]


def test_without_the_live_preview_only_the_end_is_sent(steer: Tab, client: Any, face: Path) -> None:
    _, *moving, last = steer.handlers.run(client, *inputs(steer, face, live=False))
    assert moving
    assert not set().union(*moving) & {steer.outputs.live}
    shown = str([updates.get(steer.outputs.job.status) for updates in moving])
    assert "Inverting: step" in shown or "Optimising: step" in shown
    assert len(last[steer.outputs.live]["frames"]) == 4


def test_no_image_is_one_sentence(steer: Tab, client: Any) -> None:
    _, updates = run(steer, client, None)
    assert "There is no image yet" in alert(steer, updates)


def test_an_unknown_failure_shows_no_internals(components: Components, model: Model, client: Any, face: Path) -> None:
    def broken(task: Task, stop: CancelToken) -> Any:
        raise RuntimeError("/srv/secret/weights.bin")

    steer = tab(components, Studio(model), broken)
    *_, updates = run(steer, client, face)
    assert "incident" in alert(steer, updates)
    assert "secret" not in alert(steer, updates)


def test_the_position_in_the_queue_is_shown(components: Components, model: Model, client: Any, face: Path) -> None:
    steer = tab(components, Studio(model), lambda task, stop: iter([Waiting(2)]))
    *_, first, _ = run(steer, client, face)
    assert "2 runs before yours" in first[steer.outputs.job.status]


def test_stop_while_the_run_still_queues_ends_it_at_its_start(steer: Tab, client: Any, face: Path) -> None:
    running = steer.handlers.run(client, *inputs(steer, face))
    next(running)
    steer.handlers.stop(client)
    *_, last = running
    assert "Stopped before the first step" in last[steer.outputs.job.status]


def test_a_run_that_was_cut_says_why_and_keeps_what_it_has(
    components: Components, model: Model, client: Any, face: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[Any] = []  # what the timer of the limit calls; here after a number of network calls

    def timer(seconds: float, function: Any, args: list[str]) -> SimpleNamespace:
        reached.append(lambda: function(*args))
        return SimpleNamespace(start=lambda: None, cancel=lambda: None)

    def network(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        if next(calls) == 60:
            reached[0]()
        return model.network(t, x, z)

    monkeypatch.setattr("studio.queue.latest.Timer", timer)
    calls = itertools.count()
    studio = Studio(dataclasses.replace(model, network=network), DeviceQueue(Limits(seconds=0.8)))
    steer = tab(components, studio)
    *_, result, last = run(steer, client, face, optimisation_steps=100)
    assert result[steer.outputs.shown].stopped
    assert "may take 1 seconds here" in alert(steer, last)
    assert 'class="note"' in alert(steer, last)
