import dataclasses
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch.nn.functional as F
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.export.files import LARGE, SAVES, save
from studio.export.metadata import KEY, read_settings
from studio.images.load import enlarge
from studio.models.enlarged import enlarged
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.steer import steer


@pytest.fixture
def outcome(model: Model, request_for: Callable[..., Request], cancel_token: CancelToken) -> Outcome:
    *_, last = steer(model, request_for(prompt="../../etc/<b>", seed=5), cancel_token)
    assert isinstance(last, Outcome)
    return last


@pytest.mark.parametrize("kind", ["png", "large", "settings"])
def test_saved_files_give_their_settings_back(outcome: Outcome, model: Model, tmp_path: Path, kind: str) -> None:
    assert read_settings(save(kind, outcome, model, tmp_path)) == outcome.settings


@pytest.mark.parametrize("kind", ["png", "large"])
def test_settings_can_be_left_out_of_a_picture(outcome: Outcome, model: Model, tmp_path: Path, kind: str) -> None:
    path = save(kind, outcome, model, tmp_path, inside=False)
    assert KEY not in Image.open(path).info
    assert b"etc" not in path.read_bytes()
    with pytest.raises(UserError, match="holds no settings"):
        read_settings(path)


@pytest.mark.parametrize("kind", SAVES)
@pytest.mark.slow
def test_file_names_hold_no_text_that_a_user_wrote(outcome: Outcome, model: Model, tmp_path: Path, kind: str) -> None:
    if kind == "mp4":
        pytest.importorskip("av")
    path = save(kind, outcome, model, tmp_path)
    assert path.parent == tmp_path
    assert path.name == f"steered-edit-5{SAVES[kind].suffix}"
    assert path.stat().st_size > 100


def test_the_zip_holds_every_frame_exactly(outcome: Outcome, model: Model, tmp_path: Path) -> None:
    with zipfile.ZipFile(save("zip", outcome, model, tmp_path)) as archive:
        names = archive.namelist()
        assert sum(name.startswith("steps/") for name in names) == len(outcome.frames)
        assert sum(name.startswith("path/") for name in names) == 10
        for i, frame in enumerate(outcome.frames):
            saved = Image.open(io.BytesIO(archive.read(f"steps/step-{i:03}.png")))
            assert saved.tobytes() == frame.tobytes()
        assert json.loads(archive.read("settings.json"))["settings"]["seed"] == 5


@pytest.mark.parametrize("kind", ["png", "large"])
def test_the_label_is_drawn_on_request_only(outcome: Outcome, model: Model, tmp_path: Path, kind: str) -> None:
    bare = Image.open(save(kind, outcome, model, tmp_path)).convert("RGB")
    labelled = Image.open(save(kind, outcome, model, tmp_path, marked=True)).convert("RGB")
    assert bare.size == labelled.size
    assert bare.tobytes() != labelled.tobytes()
    assert read_settings(tmp_path / f"steered-edit-5{SAVES[kind].suffix}") == outcome.settings
    # the pixels asked for without a label are the run's own
    if kind == "png":
        assert bare.tobytes() == outcome.after.tobytes()


@pytest.mark.parametrize("network", [True, False])
def test_a_large_picture_is_enlarged_by_the_models_network_if_it_has_one(
    outcome: Outcome, model: Model, tmp_path: Path, network: bool
) -> None:
    if network:
        model = dataclasses.replace(model, enlarge=lambda image: F.interpolate(image, scale_factor=4.0))
    path = save("large", outcome, model, tmp_path)
    image = Image.open(path)
    wanted = enlarge(enlarged(outcome.after, model), LARGE)
    assert image.size == (LARGE, LARGE)
    assert np.abs(np.asarray(image.convert("RGB"), int) - np.asarray(wanted, int)).max() == 0
    how = json.loads(image.text[KEY])
    assert (how["enlarged_from"], how["enlarged_by"]) == (outcome.after.width, "network" if network else "Lanczos")


@pytest.mark.slow
def test_a_moving_picture_has_its_side_if_the_network_makes_larger_frames(
    outcome: Outcome, model: Model, tmp_path: Path
) -> None:
    larger = dataclasses.replace(model, enlarge=lambda image: F.interpolate(image, scale_factor=32.0))
    assert 32 * outcome.after.width > LARGE // 2
    with Image.open(save("webp", outcome, larger, tmp_path, marked=True)) as film:
        assert film.size == (LARGE // 2, LARGE // 2)
        assert film.n_frames == len(outcome.frames)


def test_a_labelled_zip_has_no_label_on_its_input_image(outcome: Outcome, model: Model, tmp_path: Path) -> None:
    with zipfile.ZipFile(save("zip", outcome, model, tmp_path, marked=True)) as archive:
        before, after = (Image.open(io.BytesIO(archive.read(f"{name}.png"))) for name in ("before", "after"))
        assert before.tobytes() == outcome.before.tobytes()
        assert after.tobytes() != outcome.after.tobytes()
