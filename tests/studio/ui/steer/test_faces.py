"""What the page answers to a picture that was brought, without a browser."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from studio.images.crop import Crop
from studio.images.faces import find_faces
from studio.images.framing import ALIGNED, CLAY
from studio.models.domain import Domain, domain_of
from studio.models.embedded import embedded
from studio.ui.fields import slider
from studio.ui.steer.faces import FacePanel, FaceSearch, Sought, face_panel
from studio.ui.steer.inputs import FIRST_CROP
from studio.ui.steer.photo_html import NONE
from tests.losses.faces.pictures import EXAMPLES, clay, group, noise


@pytest.fixture(scope="module")
def world() -> Domain | None:
    return domain_of(embedded())


@pytest.fixture
def panel() -> FacePanel:
    with gr.Blocks():
        return face_panel("photo")


@pytest.fixture
def search(panel: FacePanel, world: Domain | None) -> FaceSearch:
    with gr.Blocks():
        return FaceSearch(panel, [slider(name, 0.01) for name in FIRST_CROP], 64, world)


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


def said(search: FaceSearch, updates: dict[Any, Any]) -> dict[str, Any]:
    return updates[search._panel.shown]


def event(face: int) -> Any:
    return SimpleNamespace(face=face)


def test_one_face_sets_the_crop_and_can_be_undone(search: FaceSearch, single: str) -> None:
    updates = search.find(single, Sought(), *Crop())
    shown, sought = said(search, updates), updates[search._panel.sought]
    assert shown["text"] == "Found one face; the crop was set to it."
    assert shown["faces"] == []
    assert shown["undo"]
    assert crop_in(search, updates) == find_faces(single, CLAY).found[0].crop != Crop()
    back = search.undo(sought)
    assert crop_in(search, back) == Crop()
    # after Undo the face is there to be chosen again
    assert len(said(search, back)["faces"]) == 1
    assert not said(search, back)["undo"]


def test_of_several_faces_the_largest_is_chosen_and_any_other_can_be(search: FaceSearch, crowd: str) -> None:
    updates = search.find(crowd, Sought(), *Crop())
    shown, sought = said(search, updates), updates[search._panel.sought]
    found = find_faces(crowd, CLAY).found
    assert shown["text"] == f"Found {len(found)} faces; the crop was set to the largest."
    assert len(shown["faces"]) == len(found) > 1
    assert shown["chosen"] == 0
    other = search.pick(event(1), sought)
    assert crop_in(search, other) == found[1].crop
    assert said(search, other)["chosen"] == 1
    assert crop_in(search, search.undo(other[search._panel.sought])) == Crop()


@pytest.mark.parametrize("face", [-1, 99])
def test_a_face_that_is_not_there_changes_nothing(search: FaceSearch, crowd: str, face: int) -> None:
    sought = search.find(crowd, Sought(), *Crop())[search._panel.sought]
    assert crop_in(search, search.pick(event(face), sought)) is None


def test_no_face_is_said_and_the_crop_stays(search: FaceSearch, tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "noise.png")
    updates = search.find(str(tmp_path / "noise.png"), Sought(), *Crop())
    assert said(search, updates) == {"text": NONE, "faces": [], "chosen": -1, "undo": False}
    assert crop_in(search, updates) == Crop()


def test_a_crop_that_was_set_by_hand_is_kept_and_the_faces_are_offered(search: FaceSearch, crowd: str) -> None:
    own = Crop(1.5, 0.2, -0.3, 4)
    updates = search.find(crowd, Sought(), *own)
    assert crop_in(search, updates) is None
    assert "The crop that you set is kept" in said(search, updates)["text"]
    picked = search.pick(event(0), updates[search._panel.sought])
    assert crop_in(search, picked) != own
    assert crop_in(search, search.undo(picked[search._panel.sought])) == own


def test_the_next_picture_starts_from_its_own_middle_again(search: FaceSearch, single: str, tmp_path: Path) -> None:
    first = search.find(single, Sought(), *Crop())
    sought, crop = first[search._panel.sought], crop_in(search, first)
    Image.fromarray(noise()).save(tmp_path / "noise.png")
    for path in (str(tmp_path / "noise.png"), str(EXAMPLES / "6-glasses.png"), None):
        assert crop_in(search, search.find(path, sought, *crop)) == Crop()


def test_a_crop_set_here_is_no_hand_s_even_while_the_picture_is_taken_away(search: FaceSearch, crowd: str) -> None:
    first = search.find(crowd, Sought(), *Crop())
    ours = crop_in(search, first)
    taken = search.find(None, first[search._panel.sought], *ours)
    again = search.find(crowd, taken[search._panel.sought], *ours)
    assert "was set to the largest" in said(search, again)["text"]


def test_what_the_model_knows_already_is_met_without_a_word(
    search: FaceSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.ui.steer.faces.find_faces", lambda *_: pytest.fail("nothing to look for"))
    updates = search.find(str(EXAMPLES / "2-black-hair.png"), Sought(), *Crop())
    assert said(search, updates) == {}
    assert updates[search._panel.sought] == Sought()


def test_a_file_that_is_no_picture_is_left_to_who_shows_it(search: FaceSearch, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("a text, renamed")
    assert said(search, search.find(str(tmp_path / "text.png"), Sought(), *Crop())) == {}


def test_other_models_get_the_usual_room_and_no_search_is_spared(panel: FacePanel, single: str) -> None:
    with gr.Blocks():
        search = FaceSearch(panel, [slider(name, 0.01) for name in FIRST_CROP], 64, None)
    assert crop_in(search, search.find(single, Sought(), *Crop())) == find_faces(single, ALIGNED).found[0].crop
    assert said(search, search.find(str(EXAMPLES / "6-glasses.png"), Sought(), *Crop())) == {}
