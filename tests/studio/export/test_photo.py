import base64
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.export.metadata import KEY, read_settings
from studio.export.photo import PREVIEW_SIDE, photo_png, photo_view, save_photo
from studio.export.provenance import SENTENCE, SOURCE_TYPE
from studio.images.crop import Crop
from studio.images.load import load_picture
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.steer import steer


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    Image.linear_gradient("L").resize((1500, 900)).convert("RGB").save(tmp_path / "a photo.jpg", exif=exif)
    return tmp_path / "a photo.jpg"


@pytest.fixture
def outcome(model: Model, request_for: Callable[..., Request], cancel_token: CancelToken, photo: Path) -> Outcome:
    crop = {"crop_zoom": 3.0, "crop_x": -0.4, "crop_turn": 5.0}
    *_, last = steer(model, request_for(seed=5, **crop), cancel_token)
    before = load_picture(photo, model.size, Crop.of_first(last.settings))
    return dataclasses.replace(last, before=before, after=Image.new("RGB", before.size, "red"))


def test_the_file_has_the_note_and_no_metadata_of_the_camera(
    outcome: Outcome, photo: Path, model: Model, tmp_path: Path
) -> None:
    path = save_photo(outcome, photo, model, tmp_path)
    assert path.name == "steered-edit-5-photo.png"
    assert read_settings(path) == outcome.settings
    with Image.open(path) as saved:
        assert saved.size == (1500, 900)
        assert saved.info["Description"] == SENTENCE
        assert SOURCE_TYPE in saved.info["XML:com.adobe.xmp"]
        assert set(saved.getexif()) == {0x010E, 0x0131}
    assert b"camera" not in path.read_bytes()


def test_settings_and_label_are_written_on_request(outcome: Outcome, photo: Path, model: Model) -> None:
    bare = Image.open(io.BytesIO(photo_png(outcome, photo, model, inside=False)))
    assert KEY not in bare.info
    labelled = Image.open(io.BytesIO(photo_png(outcome, photo, model, marked=True)))
    corner = (1400, 850, 1500, 900)
    assert bare.crop(corner).tobytes() != labelled.crop(corner).tobytes()
    assert bare.crop((0, 0, 1000, 850)).tobytes() == labelled.crop((0, 0, 1000, 850)).tobytes()


def test_the_page_shows_a_reduced_photo(outcome: Outcome, photo: Path) -> None:
    kind, data = photo_view(outcome, photo)["photo"].split(",")
    shown = Image.open(io.BytesIO(base64.b64decode(data)))
    assert kind == "data:image/jpeg;base64"
    assert shown.size == (PREVIEW_SIDE, PREVIEW_SIDE * 900 // 1500)


def test_a_run_without_a_crop_has_no_photo_to_show_or_save(
    outcome: Outcome, photo: Path, model: Model, face: Path
) -> None:
    whole = dataclasses.replace(outcome, settings=outcome.settings.model_copy(update={"crop_zoom": 1, "crop_turn": 0}))
    assert photo_view(outcome, None) == photo_view(whole, face) == {}
    with pytest.raises(UserError, match="there is no photo around the result"):
        photo_png(whole, face, model)
    photo.unlink()
    assert photo_view(outcome, photo) == {}
    with pytest.raises(UserError, match="no longer here"):
        photo_png(outcome, photo, model)
