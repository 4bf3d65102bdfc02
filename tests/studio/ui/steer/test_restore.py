"""Recorded runs, files, links and earlier runs, without a browser."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.core.settings import MIX, Settings
from studio.export.metadata import read_settings, record, to_png
from studio.export.recordings import load
from studio.images.crop import Crop
from studio.images.load import load_picture
from studio.models.embedded import examples
from studio.models.interface import Model
from studio.queue.app_state import Studio
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.steer import steer
from studio.ui.steer.history import keep
from studio.ui.steer.inputs import Form, start_picture, wishes
from studio.ui.steer.outputs import keeping, outputs
from studio.ui.steer.restore import Recall


@pytest.fixture
def recall(model: Model) -> Recall:
    with gr.Blocks():
        form = Form(start_picture([]), wishes([]))
        return Recall(Studio(model), form, outputs(None, model.digest), keeping(), examples(), load())


@pytest.fixture
def outcome(model: Model, request_for: Callable[..., Request], cancel_token: CancelToken) -> Outcome:
    *_, last = steer(model, request_for(prompt="a blue hat", seed=99, mode="ode", crop_zoom=1.5), cancel_token)
    assert isinstance(last, Outcome)
    return last


def message(recall: Recall, updates: dict[Any, Any]) -> str:
    return str(updates.get(recall.outputs.message, ""))


def held(recall: Recall, updates: dict[Any, Any]) -> dict[str, Any]:
    return {name: updates[field] for name, field in recall.form.fields.items()}


@pytest.mark.parametrize("kind", ["png", "json"])
def test_a_saved_file_restores_every_field(
    recall: Recall, model: Model, outcome: Outcome, tmp_path: Path, kind: str
) -> None:
    path, written = tmp_path / f"saved.{kind}", record(outcome, model)
    path.write_bytes(to_png(outcome.after, written) if kind == "png" else json.dumps(written).encode())
    restored = recall.restore(str(path))
    assert held(recall, restored) == {k: v for k, v in read_settings(path).model_dump().items() if k != "version"}
    assert "Settings restored" in message(recall, restored)


def test_a_file_without_settings_is_one_sentence_and_changes_nothing(recall: Recall, face: Path) -> None:
    updates = recall.restore(str(face))
    assert "holds no settings" in message(recall, updates)
    assert set(updates) == {recall.outputs.message, recall.form.wishes.restore}


def test_a_recorded_run_brings_its_picture_its_settings_and_its_result(recall: Recall) -> None:
    for one in load():
        updates = recall.replay(SimpleNamespace(name=one.name))
        assert updates[recall.outputs.shown] == one.outcome
        assert len(updates[recall.outputs.live]["frames"]) == len(one.outcome.frames)
        assert held(recall, updates)["prompt"] == one.outcome.settings.prompt
        assert Path(updates[recall.form.start.image]).stem == one.image
        # made with other weights than the stub's
        assert "earlier weights" in updates[recall.outputs.status]


def test_a_link_fills_the_form_and_names_an_example(recall: Recall) -> None:
    visitor = SimpleNamespace(query_params={"seed": "7", "loss": "identity", "image": "5-mohawk", "__theme": "dark"})
    updates = recall.follow(visitor)
    assert held(recall, updates) == {
        k: v for k, v in Settings(seed=7, loss="identity").model_dump().items() if k != "version"
    }
    assert updates[recall.form.wishes.second_box].visible
    assert Path(updates[recall.form.start.image]).stem == "5-mohawk"


def test_a_wrong_link_is_one_sentence_and_changes_nothing(recall: Recall) -> None:
    updates = recall.follow(SimpleNamespace(query_params={"seed": "minus one"}))
    assert "The link could not be used. Seed: give a whole number" in message(recall, updates)
    assert set(updates) == {recall.outputs.message}


def test_the_link_to_what_is_on_the_page_leads_back_to_it(recall: Recall) -> None:
    named = {name: field.value for name, field in recall.form.fields.items()}
    values = {**named, "prompt": "a face with a hat", "seed": 12, MIX[0]: 2.0}
    example = examples()[0]
    address = recall.link(str(example), *values.values())[recall.keeping.address]
    assert address.visible
    query = dict(part.split("=") for part in address.value.replace("+", " ").split("&"))
    assert held(recall, recall.follow(SimpleNamespace(query_params=query))) == values
    assert query["image"] == example.stem


def test_a_picture_of_ones_own_does_not_travel_in_a_link(recall: Recall, face: Path) -> None:
    named = {name: field.value for name, field in recall.form.fields.items()}
    assert "image" not in recall.link(str(face), *named.values())[recall.keeping.address].value


def test_settings_that_do_not_fit_make_no_link(recall: Recall) -> None:
    named = {name: field.value for name, field in recall.form.fields.items()}
    updates = recall.link(None, *{**named, "seed": -1}.values())
    assert not updates[recall.keeping.address].visible
    assert "Seed: give a whole number" in message(recall, updates)


def test_an_earlier_run_gives_its_settings_again(recall: Recall, outcome: Outcome) -> None:
    runs = keep((), outcome)
    updates = recall.again(SimpleNamespace(id=1), runs)
    assert held(recall, updates)["seed"] == 99
    assert "settings of run 1" in message(recall, updates)
    assert "no longer kept" in message(recall, recall.again(SimpleNamespace(id=5), runs))


def test_a_morph_is_sent_to_its_tab(recall: Recall, outcome: Outcome) -> None:
    import dataclasses

    runs = keep((), dataclasses.replace(outcome, settings=Settings(loss="morph")))
    assert "Morph tab" in message(recall, recall.again(SimpleNamespace(id=1), runs))


def test_a_file_is_made_when_it_is_asked_for(recall: Recall, outcome: Outcome) -> None:
    for updates in recall.save("png", True, False, outcome):
        path = Path(updates[recall.keeping.file])
        assert Image.open(path).tobytes() == outcome.after.tobytes()
        assert read_settings(path) == outcome.settings
    assert not path.exists()


def test_without_a_run_there_is_nothing_to_keep(recall: Recall) -> None:
    (updates,) = recall.save("png", True, False, None)
    assert "press Run first" in message(recall, updates)


def test_a_file_that_cannot_be_made_is_one_sentence(recall: Recall, outcome: Outcome, monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    (updates,) = recall.save("mp4", True, False, outcome)
    assert "pip install av" in message(recall, updates)
    assert updates[recall.keeping.file] is None


def test_a_photo_is_saved_with_the_result_and_a_lost_one_is_said(recall: Recall, outcome: Outcome, face: Path) -> None:
    before = load_picture(face, outcome.before.width, Crop.of_first(outcome.settings))
    cropped = dataclasses.replace(outcome, before=before)
    (updates,) = recall.save_photo(True, True, cropped, str(face))
    assert updates[recall.keeping.file].endswith("-photo.png")
    assert list(recall.save_photo(True, True, cropped, None)) == list(recall.save_photo(True, True, None, None)) == []
    face.unlink()
    (updates,) = recall.save_photo(True, True, cropped, str(face))
    assert updates[recall.keeping.file] is None
    assert "no longer here" in message(recall, updates)
