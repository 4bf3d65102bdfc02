import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from losses.faces import Square
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.export.photo import result_in_photo
from studio.images.crop import Crop, crop_image
from studio.images.framing import square_of
from studio.images.paste import in_photo, is_part
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.steer import steer

CROPS = [Crop(), Crop(3, 0.5, -0.5), Crop(2, -0.2, 0.3, 20), Crop(4, 1, 1, -45), Crop(8, -1, 0, 33)]


def scene(width: int = 320, height: int = 240) -> Image.Image:
    """Something with edges and slopes everywhere."""
    y, x = np.mgrid[:height, :width]
    layers = [128 + 90 * np.sin(x / 17 + y / 29), 255 * x / width, 255 * ((x // 20 + y // 20) % 2)]
    return Image.fromarray(np.stack(layers, -1).clip(0, 255).astype(np.uint8))


def inside(crop: Crop, width: int, height: int, share: float) -> np.ndarray:
    """Which pixels' middles lie in the crop's square, made `share` as large."""
    place = square_of(crop, width, height)
    y, x = np.mgrid[:height, :width] + 0.5
    x, y = x - place.x, y - place.y
    c, s = math.cos(place.turn), math.sin(place.turn)
    return np.maximum(abs(c * x + s * y), abs(c * y - s * x)) < share * place.side / 2


@pytest.mark.parametrize("crop", CROPS)
def test_pasting_the_crop_itself_gives_the_photo_back(crop: Crop) -> None:
    photo = scene()
    before = crop_image(photo, 64, crop)
    again = in_photo(photo, square_of(crop, *photo.size), before, before)
    assert again.tobytes() == photo.tobytes()


@pytest.mark.parametrize("crop", CROPS)
def test_pixels_outside_the_crop_are_unchanged(crop: Crop) -> None:
    photo = scene()
    before = crop_image(photo, 64, crop)
    changed = in_photo(photo, square_of(crop, *photo.size), before, Image.new("RGB", (64, 64), "lime"))
    outside = ~inside(crop, *photo.size, 1.0)
    assert outside.any()
    assert (np.asarray(changed)[outside] == np.asarray(photo)[outside]).all()


@pytest.mark.parametrize("crop", CROPS)
def test_a_result_is_pasted_at_its_crop(crop: Crop) -> None:
    """Onto a grey picture of the same size, the crop of a smooth one comes back as that smooth one."""
    y, x = np.mgrid[:240, :320]
    smooth = Image.fromarray(np.stack([x * 0.8, y, (x + y) * 0.4], -1).astype(np.uint8))
    grey = Image.new("RGB", smooth.size, (255, 0, 255))
    after = crop_image(smooth, 128, crop)
    pasted = np.asarray(in_photo(grey, square_of(crop, *grey.size), crop_image(grey, 128, crop), after), float)
    # a square turned at the picture's edge holds repeated edges, which lie outside of the picture again
    deep = inside(crop, *grey.size, 0.8)
    wrong = abs(pasted - np.asarray(smooth, float))[deep]
    assert np.median(wrong) <= 2
    assert np.quantile(wrong, 0.99) <= 8


def test_a_large_change_replaces_detail_and_a_small_one_keeps_it() -> None:
    photo, place = scene(), Square(160, 120, 200)
    before = crop_image(photo, 16, Crop(1.2))
    large = np.asarray(in_photo(photo, place, before, Image.new("RGB", (16, 16), (0, 255, 0))))[100:140, 140:180]
    # where the change is large, the squares of the blue channel are gone
    assert large[..., 2].max() < 40
    little = before.point(lambda level: min(level + 4, 255))
    small = np.asarray(in_photo(photo, place, before, little), int)[100:140, 140:180]
    assert abs(small - np.asarray(photo, int)[100:140, 140:180] - 4).max() <= 10
    assert small[..., 2].max() - small[..., 2].min() > 200


@pytest.mark.parametrize("size", [(17, 300), (2000, 16), (16, 16)])
@pytest.mark.parametrize("turn", [0.0, 30.0])
def test_thin_and_tiny_photos_keep_their_size(size: tuple[int, int], turn: float) -> None:
    photo, crop = scene(*size), Crop(2, 1, -1, turn)
    after = Image.new("RGB", (64, 64), "red")
    assert in_photo(photo, square_of(crop, *size), crop_image(photo, 64, crop), after).size == size


def test_a_crop_is_part_of_an_image_unless_it_is_the_whole() -> None:
    assert not is_part(Crop(), 256, 256)
    assert is_part(Crop(), 320, 256)
    assert is_part(Crop(zoom=2), 256, 256)
    assert is_part(Crop(turn=3), 256, 256)


@pytest.fixture
def photo_run(
    model: Model, tmp_path: Path, request_for: Callable[..., Request], cancel_token: CancelToken
) -> Callable[..., tuple[Outcome, Path]]:
    """A short run on a new photo: (size, crop) -> outcome, file."""

    def run(size: tuple[int, int], **crop: float) -> tuple[Outcome, Path]:
        path = tmp_path / "photo.png"
        exif = Image.Exif()
        exif[0x010F] = "a camera"
        scene(*size).save(path, exif=exif)
        *_, outcome = steer(model, request_for(**crop), cancel_token)
        settings = outcome.settings
        before = crop_image(scene(*size), model.size, Crop.of_first(settings))
        return dataclasses.replace(outcome, before=before, after=Image.new("RGB", before.size, "lime")), path

    return run


def test_a_run_is_shown_in_its_photo_without_metadata(photo_run: Callable[..., tuple[Outcome, Path]]) -> None:
    outcome, path = photo_run((320, 240), crop_zoom=2.0, crop_x=0.5, crop_turn=10.0)
    picture = result_in_photo(outcome, path)
    assert picture.size == (320, 240)
    assert not picture.getexif()
    assert not picture.info
    deep = inside(Crop(2.0, 0.5, 0, 10.0), 320, 240, 0.7)
    assert (np.asarray(picture)[deep] == (0, 255, 0)).mean() > 0.9


@pytest.mark.slow
def test_a_huge_photo_is_reduced_and_the_result_reduced_with_it(
    photo_run: Callable[..., tuple[Outcome, Path]],
) -> None:
    outcome, path = photo_run((1500, 750), crop_zoom=3.0, crop_x=-0.5)
    picture = np.asarray(result_in_photo(outcome, path, max_side=300))
    assert picture.shape == (150, 300, 3)
    assert (picture[inside(Crop(3.0, -0.5), 300, 150, 0.7)] == (0, 255, 0)).mean() > 0.95


def test_a_run_without_a_crop_has_no_photo_around_it(photo_run: Callable[..., tuple[Outcome, Path]]) -> None:
    outcome, path = photo_run((64, 64))
    assert result_in_photo(outcome, path) is None


def test_a_photo_that_was_deleted_is_one_sentence(photo_run: Callable[..., tuple[Outcome, Path]]) -> None:
    outcome, path = photo_run((320, 240))
    path.unlink()
    with pytest.raises(UserError, match="no longer here"):
        result_in_photo(outcome, path)
