"""Faces of an uploaded picture, without a browser."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from studio.images.crop import Crop
from studio.images.faces import find_faces
from studio.images.framing import ALIGNED, CLAY
from studio.models.embedded import embedded
from studio.models.interface import Model
from studio.ui.fields import slider
from studio.ui.steer.faces import FacePanel, FaceSearch, FoundFaces, face_panel
from studio.ui.steer.inputs import FIRST_CROP
from studio.ui.steer.photo_html import NONE
from tests.losses.faces.pictures import EXAMPLES, clay, group, noise


@pytest.fixture(scope="module")
def clay_model() -> Model:
    return embedded()


@pytest.fixture(scope="module")
def panel() -> FacePanel:
    with gr.Blocks():
        return face_panel("photo")


@pytest.fixture(scope="module")
def crop_fields() -> list[gr.Slider]:
    with gr.Blocks():
        return [slider(name, 0.01) for name in FIRST_CROP]


@pytest.fixture
def search(panel: FacePanel, crop_fields: list[gr.Slider], clay_model: Model) -> FaceSearch:
    return FaceSearch(panel, crop_fields, lambda: clay_model)


@pytest.fixture
def crowd(tmp_path: Path) -> str:
    Image.fromarray(group()).save(tmp_path / "group.png")
    return str(tmp_path / "group.png")


@pytest.fixture
def single(tmp_path: Path) -> str:
    """One clay person in a corner of a larger picture."""
    canvas = Image.new("RGB", (700, 500), (200, 200, 200))
    canvas.paste(Image.fromarray(clay("2-black-hair")), (400, 200))
    canvas.save(tmp_path / "single.png")
    return str(tmp_path / "single.png")


def crop_in(search: FaceSearch, updates: dict[Any, Any]) -> Crop | None:
    """The crop that these updates set; None where they leave the sliders alone."""
    fields = search._fields
    return Crop(*(updates[field] for field in fields)) if fields[0] in updates else None


def shown_by(search: FaceSearch, updates: dict[Any, Any]) -> dict[str, Any]:
    return updates[search._panel.shown]


def event(face: int) -> Any:
    return SimpleNamespace(face=face)


def test_one_face_sets_the_crop_and_can_be_undone(search: FaceSearch, single: str) -> None:
    updates = search.find(single, FoundFaces(), *Crop())
    shown, faces = shown_by(search, updates), updates[search._panel.found]
    assert shown["text"] == "Found one face; the crop was set to it."
    assert shown["faces"] == []
    assert shown["undo"]
    assert crop_in(search, updates) == find_faces(single, CLAY).found[0].crop != Crop()
    back = search.undo(faces)
    assert crop_in(search, back) == Crop()
    # after Undo the face is there to be chosen again
    assert len(shown_by(search, back)["faces"]) == 1
    assert not shown_by(search, back)["undo"]


def test_of_several_faces_the_largest_is_chosen_and_any_other_can_be(search: FaceSearch, crowd: str) -> None:
    updates = search.find(crowd, FoundFaces(), *Crop())
    shown, faces = shown_by(search, updates), updates[search._panel.found]
    found = find_faces(crowd, CLAY).found
    assert shown["text"] == f"Found {len(found)} faces; the crop was set to the largest."
    assert len(shown["faces"]) == len(found) > 1
    assert shown["chosen"] == 0
    other = search.pick(event(1), faces)
    assert crop_in(search, other) == found[1].crop
    assert shown_by(search, other)["chosen"] == 1
    assert crop_in(search, search.undo(other[search._panel.found])) == Crop()


@pytest.mark.parametrize("face", [-1, 99])
def test_a_face_that_is_not_there_changes_nothing(search: FaceSearch, crowd: str, face: int) -> None:
    faces = search.find(crowd, FoundFaces(), *Crop())[search._panel.found]
    assert crop_in(search, search.pick(event(face), faces)) is None


def test_no_face_is_said_and_the_crop_stays(search: FaceSearch, tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "noise.png")
    updates = search.find(str(tmp_path / "noise.png"), FoundFaces(), *Crop())
    assert shown_by(search, updates) == {"text": NONE, "faces": [], "chosen": -1, "undo": False}
    assert crop_in(search, updates) == Crop()
    assert updates[search._panel.found].none


def test_a_crop_that_was_set_by_hand_is_kept_and_the_faces_are_offered(search: FaceSearch, crowd: str) -> None:
    own = Crop(1.5, 0.2, -0.3, 4)
    updates = search.find(crowd, FoundFaces(), *own)
    assert crop_in(search, updates) is None
    assert "Your crop is unchanged" in shown_by(search, updates)["text"]
    picked = search.pick(event(0), updates[search._panel.found])
    assert crop_in(search, picked) != own
    assert crop_in(search, search.undo(picked[search._panel.found])) == own


def test_the_next_picture_starts_from_its_own_middle_again(search: FaceSearch, single: str, tmp_path: Path) -> None:
    first = search.find(single, FoundFaces(), *Crop())
    faces, crop = first[search._panel.found], crop_in(search, first)
    Image.fromarray(noise()).save(tmp_path / "noise.png")
    for path in (str(tmp_path / "noise.png"), str(EXAMPLES / "6-glasses.png"), None):
        assert crop_in(search, search.find(path, faces, *crop)) == Crop()


def test_a_crop_set_here_is_no_hand_s_even_while_the_picture_is_taken_away(search: FaceSearch, crowd: str) -> None:
    first = search.find(crowd, FoundFaces(), *Crop())
    ours = crop_in(search, first)
    taken = search.find(None, first[search._panel.found], *ours)
    again = search.find(crowd, taken[search._panel.found], *ours)
    assert "was set to the largest" in shown_by(search, again)["text"]


def test_what_the_model_knows_already_is_met_without_a_word(
    search: FaceSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.ui.steer.faces.find_faces", lambda *_: pytest.fail("nothing to look for"))
    updates = search.find(str(EXAMPLES / "2-black-hair.png"), FoundFaces(), *Crop())
    assert shown_by(search, updates) == {}
    assert updates[search._panel.found] == FoundFaces()


def test_a_file_that_is_no_picture_is_left_to_who_shows_it(search: FaceSearch, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("a text, renamed")
    assert shown_by(search, search.find(str(tmp_path / "text.png"), FoundFaces(), *Crop())) == {}


@pytest.mark.slow
def test_other_models_get_the_usual_room_and_no_search_is_spared(
    panel: FacePanel, crop_fields: list[gr.Slider], single: str, model: Model
) -> None:
    search = FaceSearch(panel, crop_fields, lambda: model)
    assert crop_in(search, search.find(single, FoundFaces(), *Crop())) == find_faces(single, ALIGNED).found[0].crop
    assert shown_by(search, search.find(str(EXAMPLES / "6-glasses.png"), FoundFaces(), *Crop())) == {}
