import dataclasses
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.export.metadata import KEY, read_settings, record, to_png
from studio.models.interface import Model, Origin
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.steer import steer


@pytest.fixture
def outcome(model: Model, request_for: Callable[..., Request], cancel_token: CancelToken) -> Outcome:
    *_, last = steer(model, request_for(prompt="„rote“ Haare, 赤い髪", seed=2**32 - 1), cancel_token)
    assert isinstance(last, Outcome)
    return last


def png_with(tmp_path: Path, text: str, key: str = KEY) -> Path:
    chunks = PngInfo()
    chunks.add_text(key, text)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=chunks)
    return tmp_path / "a.png"


def test_a_saved_picture_gives_its_settings_back(outcome: Outcome, model: Model, tmp_path: Path) -> None:
    (tmp_path / "saved.png").write_bytes(to_png(outcome.after, record(outcome, model)))
    assert read_settings(tmp_path / "saved.png") == outcome.settings


def test_pixels_are_saved_without_loss(outcome: Outcome, model: Model) -> None:
    saved = Image.open(io.BytesIO(to_png(outcome.after, record(outcome, model))))
    assert saved.tobytes() == outcome.after.tobytes()


def test_the_record_has_the_model_versions_and_measurements(outcome: Outcome, model: Model) -> None:
    saved = Image.open(io.BytesIO(to_png(outcome.after, record(outcome, model))))
    written = json.loads(saved.text[KEY])
    assert written["model"] == {"name": "stub", "sha256": "0" * 64, "size": 16}
    assert set(written["software"]) == {"adjointdeis-studio", "torch", "diffusers"}
    assert written["measured"]["network_calls"] == outcome.calls
    assert written["measured"]["loss"] == [point.total for point in outcome.curve]
    assert written["measured"]["round_trip"] == {"largest_8bit_difference": 0, "psnr_db": None}
    assert math.isinf(outcome.round_trip.psnr)


def test_a_model_from_the_hub_is_recorded_with_its_commit(outcome: Outcome, model: Model) -> None:
    origin = Origin("CC0", "a code", "somebody/a-model", "c0" * 20, "a note")
    there = dataclasses.replace(model, origin=origin)
    written = record(dataclasses.replace(outcome, model=there.described), model)["model"]
    assert (written["source"], written["revision"]) == ("somebody/a-model", "c0" * 20)
    assert set(written) == {"name", "sha256", "size", "source", "revision"}


def test_a_run_that_names_its_model_is_recorded_with_it_whatever_is_loaded(outcome: Outcome, model: Model) -> None:
    other = dataclasses.replace(model, name="another", digest="1" * 64)
    assert record(outcome, other)["model"] == model.described
    assert record(dataclasses.replace(outcome, model={}), other)["model"] == other.described


@pytest.mark.parametrize(
    "text", ["", "not json", "[]", "{}", '{"settings": 3}', '{"settings": [1, 2]}'], ids=lambda text: text or "empty"
)
def test_a_foreign_text_is_no_record(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="holds no settings"):
        read_settings(png_with(tmp_path, text))


def test_a_png_without_a_record(face: Path) -> None:
    with pytest.raises(UserError, match="holds no settings"):
        read_settings(face)


@pytest.mark.parametrize("text", ["{}", '{"settings": 1}', '{"a":' * 9000 + "1" + "}" * 9000, "{" + " " * 2**21])
def test_a_foreign_json_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match="holds no settings"):
        read_settings(tmp_path / "a.json")


def test_a_separate_record_gives_its_settings_back(outcome: Outcome, model: Model, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(record(outcome, model)), encoding="utf-8")
    assert read_settings(tmp_path / "a.json") == outcome.settings


def test_a_picture_saved_by_the_first_version_still_gives_its_settings_back(tmp_path: Path) -> None:
    old = '{"settings": {"version": 1, "loss": "identity", "seed": 5, "mode": "ode", "gradient": "adjoint_1"}}'
    settings = read_settings(png_with(tmp_path, old))
    assert (settings.version, settings.loss, settings.seed) == (7, "identity", 5)


def test_a_file_that_is_no_png(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(UserError, match="holds no settings"):
        read_settings(tmp_path / "a.png")


def test_settings_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Sampling steps: give a whole number from 2 to 50"):
        read_settings(png_with(tmp_path, '{"settings": {"sampling_steps": 5000}}'))
