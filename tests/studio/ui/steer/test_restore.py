"""Recorded runs, files, links and earlier runs, without a browser."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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
from studio.ui.steer.restore import RestoreHandlers
from tests.studio.ui.steer.conftest import Components


@pytest.fixture
def restore(components: Components, model: Model) -> RestoreHandlers:
    parts = components.form, components.outputs, components.downloads
    return RestoreHandlers(Studio(model), *parts, examples(), load())


@pytest.fixture
def outcome(model: Model, request_for: Callable[..., Request], cancel_token: CancelToken) -> Outcome:
    *_, last = steer(model, request_for(prompt="a blue hat", seed=99, mode="ode", crop_zoom=1.5), cancel_token)
    assert isinstance(last, Outcome)
    return last


def message(restore: RestoreHandlers, updates: dict[Any, Any]) -> str:
    return str(updates.get(restore.outputs.message, ""))


def held(restore: RestoreHandlers, updates: dict[Any, Any]) -> dict[str, Any]:
    return {name: updates[field] for name, field in restore.form.fields.items()}


@pytest.mark.parametrize("kind", ["png", "json"])
def test_a_saved_file_restores_every_field(
    restore: RestoreHandlers, model: Model, outcome: Outcome, tmp_path: Path, kind: str
) -> None:
    path, written = tmp_path / f"saved.{kind}", record(outcome, model)
    path.write_bytes(to_png(outcome.after, written) if kind == "png" else json.dumps(written).encode())
    restored = restore.restore(str(path))
    assert held(restore, restored) == {k: v for k, v in read_settings(path).model_dump().items() if k != "version"}
    assert "Settings restored" in message(restore, restored)


def test_a_file_of_a_run_with_a_second_picture_says_that_it_holds_none(
    restore: RestoreHandlers, outcome: Outcome, tmp_path: Path
) -> None:
    path, goal = tmp_path / "saved.json", restore.form.goal
    path.write_text(json.dumps({"settings": Settings(loss="identity").model_dump()}))
    alone = restore.restore(str(path))
    assert "upload it here" in alone[goal.second_note]
    assert "Add the second picture" in message(restore, alone)
    beside = restore.restore(str(path), "face.png")
    assert "may be another" in beside[goal.second_note]
    assert "Add the" not in message(restore, beside)
    linked = restore.follow(SimpleNamespace(query_params={"loss": "identity"}))
    assert "upload it here" in linked[goal.second_note]
    path.write_text(json.dumps({"settings": outcome.settings.model_dump()}))
    assert restore.restore(str(path))[goal.second_note] == ""


def test_a_file_without_settings_is_one_sentence_and_changes_nothing(restore: RestoreHandlers, face: Path) -> None:
    updates = restore.restore(str(face))
    assert "holds no settings" in message(restore, updates)
    assert set(updates) == {restore.outputs.message, restore.form.goal.restore}


def test_a_recorded_run_brings_its_picture_its_settings_and_its_result(restore: RestoreHandlers) -> None:
    for one in load():
        updates = restore.replay(SimpleNamespace(name=one.name))
        assert updates[restore.outputs.shown] == one.outcome
        assert len(updates[restore.outputs.live]["frames"]) == len(one.outcome.frames)
        assert held(restore, updates)["prompt"] == one.outcome.settings.prompt
        assert Path(updates[restore.form.start.image]).stem == one.image
        # made with other weights than the stub's
        assert "other weights" in updates[restore.outputs.job.status]


def test_a_link_fills_the_form_and_names_an_example(restore: RestoreHandlers) -> None:
    link = {"version": "7", "seed": "7", "loss": "identity", "image": "5-mohawk", "__theme": "dark"}
    updates = restore.follow(SimpleNamespace(query_params=link))
    assert held(restore, updates) == {
        k: v for k, v in Settings(seed=7, loss="identity").model_dump().items() if k != "version"
    }
    assert updates[restore.form.goal.second_box].visible
    assert Path(updates[restore.form.start.image]).stem == "5-mohawk"


def test_a_page_opens_with_a_recorded_run_or_with_the_link_and_its_picture(restore: RestoreHandlers) -> None:
    shown, live = restore.outputs.shown, restore.outputs.live
    assert restore.follow(SimpleNamespace(query_params={})) == {shown: load()[0].outcome}
    linked = restore.follow(SimpleNamespace(query_params={"seed": "7", "image": "5-mohawk"}))
    assert linked[shown] is None
    assert "frames" not in linked[live]
    assert linked[live]["image"]
    plain = restore.follow(SimpleNamespace(query_params={"seed": "7"}))
    assert Path(plain[restore.form.start.image]).stem == load()[0].image


def test_a_wrong_link_is_one_sentence_and_shows_no_run(restore: RestoreHandlers) -> None:
    updates = restore.follow(SimpleNamespace(query_params={"seed": "minus one"}))
    assert "The link could not be used. Seed: give a whole number" in message(restore, updates)
    assert updates[restore.outputs.shown] is None
    assert not set(updates) & set(restore.form.fields.values())


def test_the_link_to_what_is_on_the_page_leads_back_to_it(restore: RestoreHandlers) -> None:
    named = {name: field.value for name, field in restore.form.fields.items()}
    values = {**named, "prompt": "a face with a hat", "seed": 12, MIX[0]: 2.0}
    example = examples()[0]
    address = restore.link(str(example), *values.values())[restore.downloads.address]
    assert address.visible
    query = dict(part.split("=") for part in address.value.replace("+", " ").split("&"))
    assert held(restore, restore.follow(SimpleNamespace(query_params=query))) == values
    assert query["image"] == example.stem


def test_a_picture_of_ones_own_does_not_travel_in_a_link(restore: RestoreHandlers, face: Path) -> None:
    named = {name: field.value for name, field in restore.form.fields.items()}
    assert "image" not in restore.link(str(face), *named.values())[restore.downloads.address].value


def test_the_call_of_the_endpoint_has_the_values_of_the_fields(restore: RestoreHandlers) -> None:
    named = {name: field.value for name, field in restore.form.fields.items()}
    shown = restore.call(*{**named, "prompt": "a blue hat", "seed": 9}.values())[restore.downloads.lines]
    assert all(one in shown.value for one in ("ADDRESS/gradio_api", '"prompt": "a blue hat"', '"seed": 9'))
    wrong = restore.call(*{**named, "seed": -1}.values())
    assert not wrong[restore.downloads.lines].visible
    assert "Seed" in message(restore, wrong)


def test_settings_that_do_not_fit_make_no_link(restore: RestoreHandlers) -> None:
    named = {name: field.value for name, field in restore.form.fields.items()}
    updates = restore.link(None, *{**named, "seed": -1}.values())
    assert not updates[restore.downloads.address].visible
    assert "Seed: give a whole number" in message(restore, updates)


def test_an_earlier_run_gives_its_settings_again(restore: RestoreHandlers, outcome: Outcome) -> None:
    runs = keep((), outcome)
    updates = restore.again(SimpleNamespace(id=1), runs)
    assert held(restore, updates)["seed"] == 99
    assert "Settings of run 1" in message(restore, updates)
    assert "no longer in the history" in message(restore, restore.again(SimpleNamespace(id=5), runs))


def test_a_morph_is_sent_to_its_tab(restore: RestoreHandlers, outcome: Outcome) -> None:
    import dataclasses

    runs = keep((), dataclasses.replace(outcome, settings=Settings(loss="morph")))
    assert "Morph tab" in message(restore, restore.again(SimpleNamespace(id=1), runs))


def test_a_file_is_made_when_it_is_asked_for(restore: RestoreHandlers, outcome: Outcome) -> None:
    for updates in restore.save("png", True, False, outcome):
        path = Path(updates[restore.downloads.file])
        assert Image.open(path).tobytes() == outcome.after.tobytes()
        assert read_settings(path) == outcome.settings
    assert not path.exists()


def test_without_a_run_there_is_nothing_to_keep(restore: RestoreHandlers) -> None:
    (updates,) = restore.save("png", True, False, None)
    assert "press Run first" in message(restore, updates)


def test_a_file_that_cannot_be_made_is_one_sentence(
    restore: RestoreHandlers, outcome: Outcome, monkeypatch: Any
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    (updates,) = restore.save("mp4", True, False, outcome)
    assert "pip install av" in message(restore, updates)
    assert updates[restore.downloads.file] is None


def test_a_photo_is_saved_with_the_result_and_a_lost_one_is_said(
    restore: RestoreHandlers, outcome: Outcome, face: Path
) -> None:
    before = load_picture(face, outcome.before.width, Crop.of_first(outcome.settings))
    cropped = dataclasses.replace(outcome, before=before)
    (updates,) = restore.save_photo(True, True, cropped, str(face))
    assert updates[restore.downloads.file].endswith("-photo.png")
    assert list(restore.save_photo(True, True, cropped, None)) == list(restore.save_photo(True, True, None, None)) == []
    face.unlink()
    (updates,) = restore.save_photo(True, True, cropped, str(face))
    assert updates[restore.downloads.file] is None
    assert "no longer here" in message(restore, updates)


def test_runs_of_the_history_are_deleted_one_by_one_or_all(restore: RestoreHandlers, outcome: Outcome) -> None:
    runs = keep(keep((), outcome), outcome)
    left = restore.forget(SimpleNamespace(id=1), runs)  # type: ignore[arg-type]
    assert [one.id for one in left[restore.outputs.runs]] == [one["id"] for one in left[restore.outputs.visit]] == [2]
    none = restore.forget(SimpleNamespace(id=None), runs)  # type: ignore[arg-type]
    assert none[restore.outputs.runs] == ()
    assert none[restore.outputs.visit] == []


def test_a_deleted_run_that_is_shown_leaves_the_panels(restore: RestoreHandlers, outcome: Outcome, face: Path) -> None:
    other = dataclasses.replace(outcome, seconds=outcome.seconds + 1)
    runs = keep(keep((), other), outcome)
    kept = restore.forget(SimpleNamespace(id=1), runs, outcome, str(face), *Crop())  # type: ignore[arg-type]
    assert restore.outputs.shown not in kept
    cleared = restore.forget(SimpleNamespace(id=2), runs, outcome, str(face), *Crop())  # type: ignore[arg-type]
    assert cleared[restore.outputs.shown] is None
    assert cleared[restore.outputs.live]["caption"].startswith("model input")
    assert cleared[restore.outputs.asked] == ""
