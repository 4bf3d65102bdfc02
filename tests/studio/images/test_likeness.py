"""The clay likeness of a portrait, and what bad input gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from clay.people.ranges import scene_of_values, values_of
from studio.core.errors import UserError
from studio.images import likeness as module
from studio.images.clay import draw_scene
from studio.images.likeness import Likeness, changed_by_hand, likeness_of
from tests.losses.faces.pictures import noise
from tests.studio.images import portraits
from tests.studio.images.portraits import saved


def of(image: Image.Image, folder: Path) -> Likeness:
    return likeness_of(saved(image, folder))


def test_a_portrait_gives_three_candidates_that_look_like_it(tmp_path: Path) -> None:
    found = of(portraits.portrait(), tmp_path)
    (person, view), *others = found.scenes
    assert found.photo.size == (96, 96)
    assert found.notes == ()
    assert person.skin_tone == "fair"
    assert person.hair_style != "bald"
    assert person.hair_colour in {"brown", "blonde"}
    assert person.facial_hair == "none"
    assert (view.glasses, view.hat) == ("none", False)
    assert view.expression in {"smiling", "laughing"}
    assert len({(person, view), *others}) == 3


def test_the_likeness_does_not_depend_on_the_size_of_the_photo(tmp_path: Path) -> None:
    small, large = (of(portraits.portrait().resize((side, side)), tmp_path) for side in (300, 1500))
    for name in ("facial_hair", "hair_colour"):
        assert getattr(small.scenes[0][0], name) == getattr(large.scenes[0][0], name)
    assert abs(small.scenes[0][0].skin - large.scenes[0][0].skin) < 0.5


def test_a_mirrored_portrait_turns_the_other_way(tmp_path: Path) -> None:
    one, other = (of(image, tmp_path) for image in (portraits.portrait(), ImageOps.mirror(portraits.portrait())))
    assert abs(one.scenes[0][1].yaw + other.scenes[0][1].yaw) < 0.1
    assert one.scenes[0][0].hair_colour == other.scenes[0][0].hair_colour


def test_of_several_faces_the_largest_is_used_unless_another_is_asked_for(tmp_path: Path) -> None:
    path = saved(portraits.two_people(), tmp_path)
    first, second = likeness_of(path), likeness_of(path, 2)
    assert "2 faces were found, and the largest was used" in first.notes[0]
    assert first.photo.tobytes() != second.photo.tobytes()
    with pytest.raises(UserError, match="Choose a face from 1 to 2"):
        likeness_of(path, 3)


@pytest.mark.slow
def test_a_picture_of_a_clay_face_is_read_as_a_render(tmp_path: Path) -> None:
    person, view = scene_of_values({"skin": 3.0, "hair_colour": "red", "hair_style": "bob", "glasses": "glasses"})
    found = of(draw_scene((person, view), 256), tmp_path)
    assert any("shows a clay face already" in note for note in found.notes)
    (read, seen), *_ = found.scenes
    assert (read.skin_tone, read.hair_colour, read.hair_style) == ("brown", "red", "bob")
    assert seen.glasses == "glasses"


def test_without_a_face_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No face was found"):
        of(Image.fromarray(noise()), tmp_path)


def test_a_small_face_is_refused_with_its_size(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"This face is \d\d pixels wide, and a likeness needs at least 60"):
        of(portraits.portrait().resize((140, 140)), tmp_path)


def test_a_black_and_white_photo_gets_default_colours_and_says_so(tmp_path: Path) -> None:
    found = of(portraits.portrait().convert("L").convert("RGB"), tmp_path)
    assert any("The picture has no colours" in note for note in found.notes)
    assert found.scenes[0][0].skin == 1.0
    assert found.scenes[0][0].hair_colour in {"black", "brown", "grey"}


def test_a_dark_photo_is_brightened_and_said(tmp_path: Path) -> None:
    usual, dark = of(portraits.portrait(), tmp_path), of(portraits.lit(0.6, 0.6, 0.6), tmp_path)
    assert any("The picture is dark" in note for note in dark.notes)
    assert abs(dark.scenes[0][0].skin - usual.scenes[0][0].skin) < 1.5


def test_strong_coloured_light_is_corrected_and_said(tmp_path: Path) -> None:
    found = of(portraits.lit(0.5, 0.7, 1.25), tmp_path)
    assert any("The light is coloured" in note for note in found.notes)
    assert found.scenes[0][0].skin_tone in {"fair", "tan"}


def test_sunglasses_are_seen(tmp_path: Path) -> None:
    assert of(portraits.with_sunglasses(), tmp_path).scenes[0][1].glasses != "none"


@pytest.mark.parametrize("make", [portraits.half, portraits.drawing])
@pytest.mark.slow
def test_half_a_face_and_a_drawing_give_a_face_or_a_sentence(make: Callable[[], Image.Image], tmp_path: Path) -> None:
    try:
        found = of(make(), tmp_path).scenes
    except UserError:
        return
    assert len(found) == 3


def test_a_file_that_is_no_picture_is_refused_as_an_upload_is(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"not a picture")
    with pytest.raises(UserError):
        likeness_of(path)


def test_values_are_changed_by_hand_and_checked(tmp_path: Path) -> None:
    found = of(portraits.portrait(), tmp_path)
    changed = changed_by_hand(found, {"hair_style": "long", "hat": True})
    assert values_of(changed.scenes[0]) == {**values_of(found.scenes[0]), "hair_style": "long", "hat": True}
    assert changed.scenes[1:] == found.scenes[1:]
    with pytest.raises(UserError, match="hair_style must be one of"):
        changed_by_hand(found, {"hair_style": "braids"})


def test_damaged_weights_are_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise FileNotFoundError("/secret/path")

    monkeypatch.setattr(module, "_reader", broken)
    with pytest.raises(UserError, match="The files of the likeness are missing or damaged") as caught:
        of(portraits.portrait(), tmp_path)
    assert "/secret" not in str(caught.value)
