import time
from pathlib import Path

import pytest
from PIL import Image

from studio.core.settings import parse
from studio.images.crop import Crop, crop_image
from studio.images.load import load_picture


def quarters(size: tuple[int, int] = (200, 100)) -> Image.Image:
    """Left half red, right half blue; a white bar across the top tenth."""
    picture = Image.new("RGB", size, "red")
    picture.paste("blue", (size[0] // 2, 0, *size))
    picture.paste("white", (0, 0, size[0], size[1] // 10))
    return picture


def test_the_default_crop_is_the_centred_square() -> None:
    assert Crop().box(200, 100) == (50, 0, 150, 100)


@pytest.mark.parametrize(("x", "colour"), [(-1, (255, 0, 0)), (1, (0, 0, 255))])
def test_x_moves_the_square_from_edge_to_edge(x: float, colour: tuple[int, int, int]) -> None:
    assert crop_image(quarters(), 16, Crop(x=x)).getpixel((8, 12)) == colour


def test_zoom_keeps_the_centre_and_shrinks_the_square() -> None:
    box = Crop(zoom=4).box(200, 100)
    assert (box[0] + box[2], box[1] + box[3]) == pytest.approx((200, 100), abs=1)
    assert box[2] - box[0] == 25
    assert (255, 255, 255) not in [colour for _, colour in crop_image(quarters(), 16, Crop(zoom=4)).getcolors()]


def test_a_zoomed_square_reaches_every_corner() -> None:
    assert Crop(4, -1, -1).box(200, 100)[:2] == (0, 0)
    assert Crop(4, 1, 1).box(200, 100)[2:] == (200, 100)


def test_a_turn_is_clockwise_about_the_centre_of_the_square() -> None:
    dot = Image.new("RGB", (201, 201), "black")
    dot.paste("white", (90, 10, 111, 31))  # above the middle
    turned = crop_image(dot, 67, Crop(turn=45))
    brightest = max((turned.getpixel((x, y))[0], x, y) for x in range(67) for y in range(67))
    assert brightest[0] > 200
    assert brightest[1] > 45  # to the right of the middle
    assert 5 < brightest[2] < 25  # and still above it


def test_a_small_turn_changes_little_and_is_not_shifted() -> None:
    picture = quarters((120, 120)).resize((120, 120))
    still, turned = crop_image(picture, 32, Crop(zoom=2)), crop_image(picture, 32, Crop(zoom=2, turn=0.2))
    differences = [abs(a - b) for a, b in zip(still.tobytes(), turned.tobytes(), strict=True)]
    assert sum(differences) / len(differences) < 3


def test_a_turn_repeats_the_edge_outside_the_image() -> None:
    plain = Image.new("RGB", (50, 80), "orange")
    assert crop_image(plain, 16, Crop(x=-1, y=1, turn=30)).getcolors() == [(256, (255, 165, 0))]


@pytest.mark.parametrize("size", [(17, 300), (300, 17), (16, 16)])
@pytest.mark.parametrize("turn", [0, -45, 13.5])
def test_every_crop_of_every_picture_has_the_models_size(size: tuple[int, int], turn: float) -> None:
    for corner in (-1, 0, 1):
        assert crop_image(quarters(size), 64, Crop(8, corner, corner, turn)).size == (64, 64)


@pytest.mark.slow
def test_a_large_photo_is_turned_quickly() -> None:
    photo = quarters((3000, 2000))
    began = time.thread_time()
    turned = crop_image(photo, 64, Crop(turn=30))
    took = time.thread_time() - began
    began = time.thread_time()
    photo.rotate(30, Image.Resampling.BICUBIC)  # the cost of rotating before cropping
    assert took < 0.5 * (time.thread_time() - began)
    small = crop_image(quarters((600, 400)), 64, Crop(turn=30))
    differences = [abs(a - b) for a, b in zip(turned.tobytes(), small.tobytes(), strict=True)]
    assert sum(differences) / len(differences) < 3


def test_settings_hold_a_crop_for_each_picture() -> None:
    settings = parse({"crop_zoom": 2, "crop_x": 0.5, "second_turn": -5})
    assert Crop.of_first(settings) == (2, 0.5, 0, 0)
    assert Crop.of_second(settings) == (1, 0, 0, -5)


def test_the_crop_follows_the_exif_orientation(tmp_path: Path) -> None:
    picture = quarters((200, 200))
    exif = picture.getexif()
    exif[274] = 3  # orientation: upside down
    picture.save(tmp_path / "phone.png", exif=exif)
    seen = load_picture(tmp_path / "phone.png", 16, Crop(zoom=2, x=-1, y=-1))
    assert seen.getpixel((8, 8)) == (0, 0, 255)
    assert not seen.getexif()
