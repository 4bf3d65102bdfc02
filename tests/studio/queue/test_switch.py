"""Another model in place of the loaded one, while others use the studio."""

import dataclasses
import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.models.holder import Holder
from studio.models.interface import Model
from studio.queue.app_state import Studio, Switched, Task
from studio.runs.events import Outcome, Waiting
from studio.runs.request import Request
from tests.stub import stub

Make = Callable[..., Request]
pytestmark = pytest.mark.slow


class Loader:
    """Loads stubs by any name but "broken"; asserts that no two are there at once."""

    def __init__(self) -> None:
        self.alive: list[weakref.ref[Any]] = []
        self.names: list[str] = []

    def __call__(self, name: str) -> Model:
        gc.collect()
        assert all(ref() is None for ref in self.alive), "two models at once"
        self.names.append(name)
        if name == "broken":
            raise UserError("“broken” is broken.")
        model = stub()
        self.alive.append(weakref.ref(model.network))  # type: ignore[arg-type]
        return dataclasses.replace(model, name=name, identity=None if name == "b" else model.identity)


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def studio(loader: Loader) -> Studio:
    models = Holder(loader, ["a", "b", "broken"])
    return Studio(models.get("a"), models=models)


@pytest.fixture
def token(tmp_path: Path) -> Callable[[str], CancelToken]:
    return lambda name: CancelToken(tmp_path / name)


def test_the_old_model_is_freed_first_and_missing_goals_are_named(
    studio: Studio, loader: Loader, token: Callable[[str], CancelToken]
) -> None:
    studio.cost_model.call = 7.0
    *_, switched = (event for event in studio.switch("b", token("switch")) if event is not None)
    assert isinstance(switched, Switched)
    assert (switched.name, studio.model.name, loader.names) == ("b", "b", ["a", "b"])
    assert "identity" in switched.unavailable
    assert "clip_text" not in switched.unavailable
    assert studio.cost_model.call is None  # the pace was the other model's
    assert studio.cost_model.need is not None


def test_a_run_after_a_switch_uses_the_new_model(
    studio: Studio, request_for: Make, token: Callable[[str], CancelToken]
) -> None:
    list(studio.switch("b", token("switch")))
    *_, outcome = studio.stream(Task("steer", request_for()), token("run"))
    assert isinstance(outcome, Outcome)


def test_a_switch_waits_for_the_running_job_and_a_run_behind_it_is_told(
    studio: Studio, request_for: Make, token: Callable[[str], CancelToken]
) -> None:
    began, go = Event(), Event()
    encode = studio.model.encode

    def slow(image: Any) -> Any:
        began.set()
        assert go.wait(30)
        return encode(image)

    studio.model = dataclasses.replace(studio.model, encode=slow)
    run = studio.stream(Task("steer", request_for()), token("run"))
    next(run)
    assert began.wait(30)
    switch = studio.switch("b", token("switch"))
    assert next(switch) == Waiting(1)
    behind = studio.stream(Task("steer", request_for()), token("behind"))
    assert isinstance(next(behind), Waiting)
    assert studio.model.name == "a"
    go.set()
    run.close()
    list(switch)
    assert studio.model.name == "b"
    with pytest.raises(UserError, match="“b” was loaded in place of “a” while this run waited: start it again"):
        list(behind)


def test_after_a_failure_the_old_model_is_loaded_again(
    studio: Studio, loader: Loader, request_for: Make, token: Callable[[str], CancelToken]
) -> None:
    with pytest.raises(UserError, match="“broken” is broken"):
        list(studio.switch("broken", token("switch")))
    assert loader.names == ["a", "broken", "a"]
    assert studio.model.name == "a"
    *_, outcome = studio.stream(Task("steer", request_for()), token("run"))
    assert isinstance(outcome, Outcome)


def test_only_offered_models_are_loaded(studio: Studio, token: Callable[[str], CancelToken]) -> None:
    with pytest.raises(UserError, match="does not offer the model “c”: a, b, broken"):
        studio.switch("c", token("switch"))
    with pytest.raises(UserError, match="start it with --models to offer more"):
        Studio(stub()).switch("a", token("switch"))


def test_a_faster_copy_replaces_the_model_when_it_is_ready(loader: Loader) -> None:
    ready = Event()

    def faster(model: Model) -> Model:
        assert ready.wait(60)
        return dataclasses.replace(model, graphs=99)

    models = Holder(loader, ["a"], faster)
    studio = Studio(models.get("a"), models=models)
    thread = studio.speed_up()
    assert thread is not None
    assert studio.model.graphs != 99  # runs need not wait for it
    ready.set()
    thread.join(60)
    assert (studio.model.name, studio.model.graphs) == ("a", 99)


def test_a_copy_of_a_model_that_was_replaced_meanwhile_is_dropped(
    loader: Loader, token: Callable[[str], CancelToken]
) -> None:
    ready = Event()

    def faster(model: Model) -> Model | None:
        if model.name != "a":
            return None
        assert ready.wait(60)
        return model

    models = Holder(lambda name: dataclasses.replace(stub(), name=name), ["a", "b"], faster)
    studio = Studio(models.get("a"), models=models)
    thread = studio.speed_up()
    assert thread is not None
    list(studio.switch("b", token("switch")))
    ready.set()
    thread.join(60)
    assert studio.model.name == "b"


def test_without_a_faster_copy_no_thread_is_started(studio: Studio) -> None:
    assert studio.speed_up() is None
