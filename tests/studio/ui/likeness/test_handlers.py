"""The handlers of the Likeness tab and of the offers, on the portrait that ships with scikit-image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from clay.people.ranges import scene_of_values, values_of
from studio.images.clay import draw_scene
from studio.images.crop import Crop
from studio.queue.app_state import Studio
from studio.ui.fields import picture
from studio.ui.likeness.fields import NAMES, face_fields
from studio.ui.likeness.handlers import FaceHandlers, OfferHandlers
from studio.ui.likeness.slots import Slot, offer
from studio.ui.steer.faces import FoundFaces
from tests.losses.faces.pictures import noise
from tests.studio.images import portraits
from tests.studio.images.portraits import saved

pytestmark = pytest.mark.slow  # the renderer is compiled once


@pytest.fixture
def slot() -> Iterator[Slot]:
    with gr.Blocks():
        image = picture("Face", "face", None)
        crop = [gr.Slider(), gr.Slider(), gr.Slider(), gr.Slider()]
        resets = dict(zip(crop, Crop(), strict=True))
        yield Slot("Steer", "steer", image, offer("face"), (lambda: None, [], []), [], resets, crop)


@pytest.fixture
def tab() -> Iterator[FaceHandlers]:
    with gr.Blocks():
        yield FaceHandlers(
            face_fields(),
            gr.HTML(),
            gr.HTML(),
            gr.State(()),
            gr.HTML(),
            SimpleNamespace(model=SimpleNamespace(size=64, enlarge=None)),
        )  # type: ignore[arg-type]


def studio(monkeypatch: pytest.MonkeyPatch, outside: bool = True) -> Studio:
    world = SimpleNamespace(check=lambda image: SimpleNamespace(outside=outside))
    monkeypatch.setattr("studio.ui.likeness.handlers.domain_of", lambda model: world)
    return SimpleNamespace(model=SimpleNamespace(size=64, enlarge=None))  # type: ignore[return-value]


@pytest.fixture
def photo(tmp_path: Path) -> str:
    return str(saved(portraits.portrait(), tmp_path))


def last(updates: Iterator[dict[Any, Any]]) -> dict[Any, Any]:
    *_, update = updates
    return update


def test_a_likeness_is_offered_for_photographs_and_not_for_clay(
    slot: Slot, photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = slot.offer.make
    assert OfferHandlers(slot, studio(monkeypatch)).look(photo, *Crop())[make].visible
    assert not OfferHandlers(slot, studio(monkeypatch, outside=False)).look(photo, *Crop())[make].visible
    assert not OfferHandlers(slot, studio(monkeypatch)).look(None)[make].visible


def test_one_click_replaces_the_photo_by_clay_and_shows_it_beside_three_candidates(
    slot: Slot, photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = OfferHandlers(slot, studio(monkeypatch))
    for update in handlers.make(photo):  # the file lives until the next step
        with Image.open(update[slot.image]) as image:
            assert image.size == (64, 64)
        shown = update[slot.offer.shown]
        assert shown["photo"].startswith("data:image")
        assert len(shown["faces"]) == len(update[slot.offer.scenes]) == 3
        assert "caricature" in shown["text"]
        assert [update[one] for one in slot.crop] == list(Crop())
        scenes = update[slot.offer.scenes]
    chosen = last(handlers.pick(SimpleNamespace(face=2), scenes, shown))  # type: ignore[arg-type]
    assert chosen[slot.offer.scene] == scenes[2]
    assert chosen[slot.offer.shown]["chosen"] == 2


def test_a_search_that_ends_after_the_likeness_leaves_its_candidates(
    slot: Slot, photo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers, scene = OfferHandlers(slot, studio(monkeypatch)), scene_of_values({"hair_style": "bob"})
    other = scene_of_values({"hair_style": "afro"})
    draw_scene(scene, 64).save(tmp_path / "clay.png")
    kept = handlers.look_again(scene, str(tmp_path / "clay.png"), None, *Crop())
    assert list(kept) == [slot.offer.make]
    assert not kept[slot.offer.make].visible
    for chosen, path in ((other, str(tmp_path / "clay.png")), (scene, photo), (None, photo)):
        found = handlers.look_again(chosen, path, None, *Crop())
        assert found[slot.offer.scenes] == ()
        assert found[slot.offer.make].visible


def test_nothing_is_offered_until_the_faces_of_this_picture_were_searched(
    slot: Slot, photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = OfferHandlers(slot, studio(monkeypatch))
    # a search for the picture before, or for none after "Remove Image", may end while that of this one is at work
    assert not handlers.look_again(None, photo, FoundFaces(path="before.png"), *Crop())[slot.offer.make].visible
    assert not handlers.look_again(None, photo, FoundFaces(), *Crop())[slot.offer.make].visible
    assert handlers.look_again(None, photo, FoundFaces(path=photo), *Crop())[slot.offer.make].visible


def test_a_picture_without_a_face_gets_a_sentence_and_stays(
    slot: Slot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(saved(Image.fromarray(noise()), tmp_path, "noise.png"))
    update = last(OfferHandlers(slot, studio(monkeypatch)).make(path))
    assert slot.image not in update
    assert "No face was found" in update[slot.offer.shown]["text"]


@pytest.mark.parametrize("face", [3, -1, "1", None])
def test_a_candidate_that_does_not_exist_is_a_sentence(
    slot: Slot, tab: FaceHandlers, face: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    event: Any = SimpleNamespace(face=face)
    update = last(OfferHandlers(slot, studio(monkeypatch)).pick(event, (), {}))
    assert "make the likeness again" in update[slot.offer.shown]["text"]
    assert "make the likeness again" in tab.pick(event, (), {})[tab.message]


def test_the_likeness_fills_the_sliders(tab: FaceHandlers, photo: str) -> None:
    update = tab.make(photo)
    scene = update[tab.scenes][0]
    values = values_of(scene)
    for name, field in tab.fields.items():
        wanted = values[name]
        assert update[field] == (round(wanted, 2) if isinstance(wanted, float) else wanted)
    assert update[tab.face].startswith("<img")
    assert "Choose a photo first" in tab.make(None)[tab.message]


def test_a_slider_changes_the_face(tab: FaceHandlers) -> None:
    values = {name: field.value for name, field in tab.fields.items()}
    assert tuple(values) == NAMES
    one, other = (tab.draw(*{**values, "hair_style": style}.values())[tab.face] for style in ("long", "bald"))
    assert one != other
    assert "hair_style must be one of" in tab.draw(*{**values, "hair_style": "<b>"}.values())[tab.message]


def test_a_random_face_sets_every_value(tab: FaceHandlers) -> None:
    update = tab.roll()
    assert {*tab.fields.values()} <= set(update)


def test_a_face_is_sent_to_another_tab_and_back(tab: FaceHandlers, slot: Slot) -> None:
    values = [field.value for field in tab.fields.values()]
    for update in tab.send(slot, *values):
        with Image.open(update[slot.image]) as image:
            assert image.size == (64, 64)
    assert "make the likeness again" in tab.adjust(None)[tab.message]
