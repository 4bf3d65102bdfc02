"""Whole runs through a stand-in for the host: another process, and everything that crosses is pickled."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

import app
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain
from studio.models.interface import Model
from studio.queue import zerogpu
from studio.queue.app_state import Studio, Task
from studio.queue.device import DeviceQueue, Limits
from studio.runs.compare import Comparison
from studio.runs.events import Outcome, Progress
from studio.runs.morph import Morphed
from studio.runs.request import Request
from studio.ui.page import page
from tests.zerogpu import spaces

Make = Callable[..., Request]


def steering(request: Request) -> Task:
    return Task("steer", request)


@pytest.fixture
def studio(model: Model) -> Studio:
    return Studio(model)


def test_a_whole_run_streams_from_the_other_process(
    studio: Studio, request_for: Make, cancel_token: CancelToken
) -> None:
    asked = request_for(optimisation_steps=5)
    *moving, last = [
        e for e in zerogpu.hosted(spaces.GPU, studio)(studio.stream)(steering(asked), cancel_token) if e is not None
    ]
    assert isinstance(last, Outcome)
    assert {type(event) for event in moving} == {Progress}
    here = [
        event
        for event in studio.stream(steering(asked), CancelToken(cancel_token.path.with_name("again")))
        if event is not None
    ][-1]
    assert isinstance(here, Outcome)
    assert last.after.tobytes() == here.after.tobytes()
    assert len(last.frames) == 6
    assert max(spaces.sent) < 2**20


def test_a_whole_morph_streams_from_the_other_process(
    studio: Studio, request_for: Make, cancel_token: CancelToken, save_picture: Callable[..., Path]
) -> None:
    asked = request_for(save_picture("second.png", colour="navy"), loss="morph", prompt="")
    *_, last = zerogpu.hosted(spaces.GPU, studio)(studio.stream)(Task("morph", asked), cancel_token)
    assert isinstance(last, Morphed)
    assert last.of_now


def test_a_whole_comparison_streams_from_the_other_process(
    studio: Studio, request_for: Make, cancel_token: CancelToken
) -> None:
    stream = zerogpu.hosted(spaces.GPU, studio)(studio.stream)
    *_, last = stream(Task("compare", request_for(mode="ode"), ("discrete", "adjoint_1")), cancel_token)
    assert isinstance(last, Comparison)
    assert last.stage == "done"


def test_a_failure_arrives_as_its_sentence(studio: Studio, request_for: Make, cancel_token: CancelToken) -> None:
    def broken(task: Task, stop: CancelToken) -> Iterator[Any]:
        raise UserError("This model cannot do that: choose another goal.")
        yield

    with pytest.raises(UserError, match="choose another goal"):
        list(zerogpu.hosted(spaces.GPU, studio)(broken)(steering(request_for()), cancel_token))


def test_what_the_host_says_is_said_without_markup(
    studio: Studio, request_for: Make, cancel_token: CancelToken
) -> None:
    def host(duration: Any) -> Any:
        def refuse(*args: Any) -> Iterator[Any]:
            raise spaces.Aborted("You have used up your quota. <a href='x'>Log in</a> for more.")
            yield

        return lambda function: refuse

    with pytest.raises(UserError, match="used up your quota"):
        list(zerogpu.hosted(host, studio)(studio.stream)(steering(request_for()), cancel_token))


def test_of_a_process_that_failed_no_class_is_told(
    studio: Studio, request_for: Make, cancel_token: CancelToken
) -> None:
    def host(duration: Any) -> Any:
        def refuse(*args: Any) -> Iterator[Any]:
            failed = spaces.Aborted("RuntimeError")
            failed.title = "ZeroGPU worker error"  # type: ignore[attr-defined]
            raise failed
            yield

        return lambda function: refuse

    with pytest.raises(spaces.Aborted) as told:
        list(zerogpu.hosted(host, studio)(studio.stream)(steering(request_for()), cancel_token))
    assert "(incident " in explain(told.value)
    assert "RuntimeError" not in explain(told.value)


@pytest.mark.slow
def test_one_person_has_a_share_of_the_host(
    model: Model, request_for: Make, cancel_token: CancelToken, tmp_path: Path
) -> None:
    studio = Studio(model, DeviceQueue(Limits(jobs=5, per_client=2)))
    stream = zerogpu.hosted(spaces.GPU, studio)(studio.stream)
    asked = request_for(optimisation_steps=100, sampling_steps=50)
    runs = [stream(steering(asked), CancelToken(tmp_path / f"stop-{k}", "9.9.9.9")) for k in range(3)]
    for run in runs[:2]:
        next(run)
    with pytest.raises(UserError, match="You already have 2 runs in the queue"):
        next(runs[2])
    runs[0].close()
    other = stream(steering(request_for(optimisation_steps=1)), CancelToken(tmp_path / "stop", "9.9.9.9"))
    assert isinstance([event for event in other if event is not None][-1], Outcome)
    runs[1].close()


def test_stop_is_seen_in_the_other_process(studio: Studio, request_for: Make, cancel_token: CancelToken) -> None:
    asked = request_for(optimisation_steps=100, sampling_steps=50)
    events = zerogpu.hosted(spaces.GPU, studio)(studio.stream)(steering(asked), cancel_token)
    last = None
    for event in events:
        if isinstance(event, Progress) and event.phase == "optimise":
            cancel_token.set()
        last = event if event is not None else last
    assert isinstance(last, Outcome)
    assert last.stopped


def test_who_goes_away_frees_the_gpu_within_a_heartbeat(
    studio: Studio, request_for: Make, cancel_token: CancelToken
) -> None:
    events = zerogpu.hosted(spaces.GPU, studio)(studio.stream)(
        steering(request_for(optimisation_steps=100, sampling_steps=50)), cancel_token
    )
    next(event for event in events if isinstance(event, Progress))
    before = len(spaces.killed)
    events.close()  # joins the other process, which has minutes of work left
    assert len(spaces.killed) == before
    assert cancel_token.is_set()


@pytest.mark.slow
def test_a_run_ends_before_its_seconds_do_and_keeps_what_it_has(
    studio: Studio, request_for: Make, cancel_token: CancelToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zerogpu, "seconds", lambda forecast: zerogpu.SLACK + 1.5)
    asked = request_for(optimisation_steps=100, sampling_steps=50)
    *_, last = zerogpu.hosted(spaces.GPU, studio)(studio.stream)(steering(asked), cancel_token)
    assert isinstance(last, Outcome)
    assert last.stopped
    assert "may take" in cancel_token.why()


def test_the_seconds_asked_for_follow_the_runs_before(
    studio: Studio, request_for: Make, cancel_token: CancelToken
) -> None:
    stream = zerogpu.hosted(spaces.GPU, studio)(studio.stream)
    list(stream(steering(request_for()), cancel_token))
    assert spaces.granted[-1] == 60  # nothing was measured yet
    expected = studio.forecast(steering(request_for()))
    assert expected is not None
    assert 0 < expected < 60
    list(stream(steering(request_for()), CancelToken(cancel_token.path.with_name("second"))))
    assert spaces.granted[-1] == round(zerogpu.seconds(expected))
    assert zerogpu.seconds(10_000) == zerogpu.MOST
    assert zerogpu.seconds(0) == zerogpu.LEAST


def test_a_function_that_only_returns_a_generator_would_not_stream() -> None:
    with pytest.raises(TypeError, match="no generator function"):
        spaces.GPU(lambda: iter(()))


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("1", True), ("", False), ("0", False)])
def test_the_host_is_known_by_its_variable(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", value)
    assert zerogpu.is_zero() is expected


@pytest.mark.slow
def test_the_whole_page_runs_on_such_a_host(studio: Studio, face: Path, save_picture: Callable[..., Path]) -> None:
    blocks = page(studio, [], zerogpu.hosted(spaces.GPU, studio))
    _, url, _ = app.launch(blocks, public=True, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    sent = len(spaces.sent)
    try:
        client = Client(url, verbose=False)
        quick = {"optimisation_steps": 2, "sampling_steps": 5}
        _, steered = client.predict(image=handle_file(face), prompt="red hair", **quick, api_name="/steer")
        second = handle_file(save_picture("second.png", colour="navy"))
        _, morphed = client.predict(first=handle_file(face), second=second, **quick, api_name="/morph")
    finally:
        blocks.close()
    assert steered["settings"]["prompt"] == "red hair"
    assert morphed["settings"]["loss"] == "morph"
    assert len(spaces.sent) > sent
