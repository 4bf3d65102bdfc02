from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.core.errors import UserError
from studio.images import faces as photo_faces
from studio.images.faces import MAX_FACES, crop_on_face, find_faces
from studio.images.framing import CLAY, square_of
from studio.images.load import load_whole
from tests.losses.faces.pictures import EXAMPLES, clay, group, noise


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    """Clay people of two sizes in one wide picture."""
    Image.fromarray(group()).save(tmp_path / "group.png")
    return tmp_path / "group.png"


def test_faces_are_ordered_by_size_each_with_its_crop_and_thumbnail(crowd: Path) -> None:
    faces = find_faces(crowd, CLAY)
    assert (faces.width, faces.height) == (640, 300)
    assert len(faces.found) >= 2
    assert not faces.needs_no_crop
    assert all(one.picture.size == (96, 96) for one in faces.found)
    squares = [square_of(one.crop, 640, 300) for one in faces.found]
    # the woman in the middle fills (180, 20) to (436, 276), a man (20, 80) to (148, 208)
    assert abs(squares[0].x - 308) < 25
    assert abs(squares[0].y - 148) < 25
    assert 200 < squares[0].side < 300
    assert abs(squares[1].x - 84) < 15
    assert 100 < squares[1].side < 170


def test_a_large_photo_gives_the_crops_of_a_small_one(crowd: Path, tmp_path: Path) -> None:
    with Image.open(crowd) as image:
        image.resize((3200, 1500), Image.Resampling.BICUBIC).save(tmp_path / "large.jpg", quality=90)
    small, large = find_faces(crowd, CLAY), find_faces(tmp_path / "large.jpg", CLAY)
    assert large.width == 3200
    a, b = square_of(small.found[0].crop, 640, 300), square_of(large.found[0].crop, 3200, 1500)
    assert abs(5 * a.x - b.x) < 60
    assert abs(5 * a.side - b.side) < 120


def test_the_exif_orientation_is_applied_before_the_search(crowd: Path, tmp_path: Path) -> None:
    with Image.open(crowd) as image:
        lying = image.transpose(Image.Transpose.ROTATE_90)
    exif = lying.getexif()
    exif[274] = 6  # to be turned clockwise
    lying.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    faces = find_faces(tmp_path / "phone.jpg", CLAY)
    assert (faces.width, faces.height) == (640, 300)
    assert abs(square_of(faces.found[0].crop, 640, 300).x - 308) < 25


def test_the_crop_of_a_tilted_head_is_upright(tmp_path: Path) -> None:
    head = Image.fromarray(clay("2-black-hair")).rotate(-15, Image.Resampling.BICUBIC, fillcolor=(200, 200, 200))
    canvas = Image.new("RGB", (600, 400), (200, 200, 200))
    canvas.paste(head, (150, 80))
    canvas.save(tmp_path / "tilted.png")
    (one, *_) = find_faces(tmp_path / "tilted.png", CLAY).found
    assert one.crop.turn == pytest.approx(-15, abs=8)


def test_an_image_framed_like_the_training_images_needs_no_crop() -> None:
    assert find_faces(EXAMPLES / "6-glasses.png", CLAY).needs_no_crop


@pytest.mark.slow
def test_images_without_faces_have_no_face(tmp_path: Path, save_picture: Callable[..., Path]) -> None:
    Image.fromarray(noise()).save(tmp_path / "noise.png")
    for path in (tmp_path / "noise.png", save_picture("thin.png", (16, 900)), save_picture("tiny.png", (16, 16))):
        assert find_faces(path, CLAY).found == ()
        with pytest.raises(UserError, match="No face was found in this picture"):
            crop_on_face(path, CLAY)


@pytest.mark.slow
def test_a_face_is_chosen_by_its_rank_by_size(crowd: Path) -> None:
    found = find_faces(crowd, CLAY).found
    assert crop_on_face(crowd, CLAY) == found[0].crop
    assert crop_on_face(crowd, CLAY, 2) == found[1].crop
    for number in (0, len(found) + 1):
        with pytest.raises(UserError, match=rf"^Choose a face from 1 to {len(found)}: .* {number} was asked for\.$"):
            crop_on_face(crowd, CLAY, number)


def test_the_number_of_faces_is_limited(crowd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Crowded:
        def find(self, image: object) -> list[object]:
            (face, *_) = known
            return [face] * 30

    known = photo_faces._detector().find(photo_faces.to_tensor(load_whole(crowd, 768).image))
    monkeypatch.setattr(photo_faces, "_detector", Crowded)
    assert len(find_faces(crowd, CLAY).found) == MAX_FACES


def test_a_long_queue_is_an_error_message(crowd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_faces, "QUEUE_TIMEOUT", 0.01)
    with photo_faces._DETECTING, pytest.raises(UserError, match="set the crop by hand"):
        find_faces(crowd, CLAY)


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("a text, renamed")
    with pytest.raises(UserError, match="cannot be read as a picture"):
        find_faces(tmp_path / "text.png", CLAY)
