import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.export.files import save
from studio.export.frames import to_tiles
from studio.export.saved_run import FRAMES, read_run
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.steer import steer


@pytest.fixture
def outcome(model: Model, request_for: Callable[..., object], cancel_token: CancelToken) -> Outcome:
    *_, last = steer(model, request_for(), cancel_token)
    assert isinstance(last, Outcome)
    return last


def test_a_png_with_the_steps_beside_it_is_a_run(model: Model, outcome: Outcome, tmp_path: Path) -> None:
    path = save("png", outcome, model, tmp_path)
    path.with_suffix(FRAMES).write_bytes(to_tiles(outcome.frames))
    run = read_run(path)
    assert run.after.tobytes() == outcome.after.tobytes()
    assert len(run.frames) == len(outcome.frames)
    grey = [np.asarray(image.convert("L"), int) for image in (run.before, outcome.before)]  # colours are blurred
    assert np.abs(grey[0] - grey[1]).mean() < 10


def test_a_png_alone_is_refused_with_the_cure(model: Model, outcome: Outcome, tmp_path: Path) -> None:
    path = save("png", outcome, model, tmp_path)
    with pytest.raises(UserError, match=r"keep .*frames\.webp with it, or give the zip"):
        read_run(path)


def test_the_zip_of_all_frames_and_its_folder_are_a_run(model: Model, outcome: Outcome, tmp_path: Path) -> None:
    path = save("zip", outcome, model, tmp_path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "folder")
    for source in (path, tmp_path / "folder"):
        run = read_run(source)
        assert run.before.tobytes() == outcome.before.tobytes()
        assert [frame.tobytes() for frame in run.frames] == [frame.tobytes() for frame in outcome.frames]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "settings.json is missing"),
        ({"settings.json": b"{}", "before.png": b"", "after.png": b""}, "damaged"),
        ({"settings.json": b"[", "before.png": b"x", "after.png": b"x"}, "damaged"),
    ],
)
def test_a_folder_without_a_run_is_refused(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=message):
        read_run(tmp_path)


def test_a_run_without_the_picture_of_every_step_is_refused(model: Model, outcome: Outcome, tmp_path: Path) -> None:
    with zipfile.ZipFile(save("zip", outcome, model, tmp_path)) as archive:
        archive.extractall(tmp_path / "folder")
    (tmp_path / "folder" / "steps" / "step-001.png").unlink()
    with pytest.raises(UserError, match="the picture of every step"):
        read_run(tmp_path / "folder")
    (tmp_path / "folder" / "settings.json").write_text(json.dumps({"settings": {}}))
    with pytest.raises(UserError, match="no measurements"):
        read_run(tmp_path / "folder")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"nonsense")
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    for name, message in (("a.zip", "not a zip"), ("a.png", "holds no settings"), ("gone.png", "There is no file")):
        with pytest.raises(UserError, match=message):
            read_run(tmp_path / name)
