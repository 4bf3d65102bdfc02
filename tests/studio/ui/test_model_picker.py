"""The choice of a model, called as Gradio calls it, and as anybody may call it over HTTP."""

import dataclasses
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest

import app
from studio.core.errors import UserError
from studio.models.holder import Holder
from studio.models.interface import Model, Origin
from studio.queue.app_state import Studio
from studio.ui.model_picker import NOT_FOR, ModelPicker, PickerHandlers, loaded_line, model_picker
from studio.ui.page import page
from tests.stub import stub

pytestmark = pytest.mark.slow
CLIENT: Any = SimpleNamespace(session_hash="me", client=SimpleNamespace(host="here"), headers={})


def load(name: str) -> Model:
    """Any model of the registry as a stub; one without a face network, and one that is broken."""
    if name == "sd-1.5":
        raise UserError("Its files are not here.")
    faceless = {"identity": None, "missing": {"identity": "none fits"}} if name == "embedded-128" else {}
    return dataclasses.replace(stub(), name=name, origin=Origin("MIT <b>"), **faceless)


@pytest.fixture
def studio() -> Studio:
    models = Holder(load, ["embedded", "embedded-128", "sd-1.5"])
    return Studio(models.get("embedded"), models=models)


@pytest.fixture
def picker(studio: Studio) -> ModelPicker:
    with gr.Blocks():
        return model_picker(studio, "# Studio")


@pytest.fixture
def handlers(studio: Studio, picker: ModelPicker) -> PickerHandlers:
    assert studio.models is not None
    return PickerHandlers(studio, studio.models, picker)


def test_each_choice_says_what_its_model_needs(picker: ModelPicker) -> None:
    labels = [label for label, _ in picker.choice.choices]
    assert labels[0] == "Clay faces at 64 pixels (MIT, CPU)"
    assert labels[2].startswith("Stable Diffusion 1.5 (CreativeML OpenRAIL-M, ")
    assert "GiB of VRAM at N = 20" in labels[2]
    assert picker.choice.visible


def test_a_studio_of_one_model_names_it_without_a_choice(model: Model) -> None:
    with gr.Blocks():
        assert not model_picker(Studio(model), "# Studio").choice.visible
    assert "Model: <b>stub</b>. Memory: not known." in loaded_line(Studio(model))


def test_a_switch_shows_the_new_model_and_the_goals_that_it_cannot_serve(
    studio: Studio, picker: ModelPicker, handlers: PickerHandlers
) -> None:
    first, *_, last = list(handlers.switch("embedded-128", CLIENT))
    assert not first[picker.choice].interactive
    assert last[picker.loaded] == studio.model.name == "embedded-128"
    assert "Licence: MIT &lt;b&gt;. Memory: about" in last[picker.line]
    assert f"{NOT_FOR}: Person: become another person (face network)" in last[picker.line]
    assert last[picker.choice]["interactive"]


def test_a_model_that_cannot_be_loaded_is_a_message_and_the_one_before_is_back(
    studio: Studio, picker: ModelPicker, handlers: PickerHandlers
) -> None:
    *_, last = list(handlers.switch("sd-1.5", CLIENT))
    assert "Its files are not here." in last[picker.line]
    assert (last[picker.loaded], last[picker.choice]["value"], studio.model.name) == ("embedded",) * 3


def test_another_page_shows_a_switch_when_its_visitor_returns(
    studio: Studio, picker: ModelPicker, handlers: PickerHandlers
) -> None:
    assert picker.loaded not in handlers.follow("embedded")
    list(handlers.switch("embedded-128", CLIENT))
    assert handlers.follow("embedded")[picker.loaded] == "embedded-128"
    assert picker.loaded not in handlers.follow("embedded-128")


@pytest.fixture
def url(studio: Studio) -> Iterator[str]:
    blocks = page(studio, [])
    _, where, _ = app.launch(blocks, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield where
    blocks.close()


def test_values_that_are_no_offered_model_are_refused(url: str, studio: Studio) -> None:
    config = httpx.get(f"{url}config").json()
    choice = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "model")
    event = next(one["id"] for one in config["dependencies"] if one["inputs"] == [choice] and one["backend_fn"])
    hostile: list[Any] = [
        "sd-turbo", "/etc", "../..", "https://127.0.0.1:1/x",
        "<img src=x onerror=alert(1)>", 7, True, None, {}, {"a": []},
        [], ["embedded-128"], ["embedded-128", "embedded"], "x" * 100_000, "\x00", [[["embedded"]]],
    ]  # fmt: skip
    for value in hostile:
        with httpx.Client(base_url=url, timeout=60) as web:
            sent = {"data": [value], "fn_index": event, "session_hash": "me"}
            web.post("gradio_api/queue/join", json=sent).raise_for_status()
            with web.stream("GET", "gradio_api/queue/data", params={"session_hash": "me"}) as lines:
                for line in lines.iter_lines():
                    if "process_completed" in line:
                        break
        answer = json.dumps(json.loads(line.removeprefix("data: ")))
        assert "Traceback" not in answer
        assert "/site-packages/" not in answer
        assert studio.model.name == "embedded", value
    assert studio.models is not None
    assert studio.models.name == "embedded"
