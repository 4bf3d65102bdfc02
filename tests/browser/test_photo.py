"""A photograph in a real browser: its faces are found, one is chosen, and the result goes back into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from studio.export.metadata import read_settings
from studio.export.provenance import SENTENCE
from studio.images.faces import find_faces
from studio.images.framing import CLAY
from studio.models.embedded import examples
from tests.browser import axe
from tests.browser.steering import PATIENCE, few_steps, finish, number, put, unfold
from tests.losses.faces.pictures import clay, noise

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Visit = Callable[..., Page]
CROP = ("crop_zoom", "crop_x", "crop_y", "crop_turn")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Two clay people of two sizes before a wall."""
    y, x = np.mgrid[:420, :760]
    wall = np.stack([150 + 40 * np.sin(x / 90), 140 + 40 * np.cos(y / 70), 170 + 0 * x], -1).astype(np.uint8)
    wall[150:406, 60:316] = clay("2-black-hair")
    wall[200:328, 500:628] = clay("6-glasses", 2)
    Image.fromarray(wall).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def bring(page: Page, path: Path) -> None:
    page.locator("#first").get_by_label("Remove Image").click()
    page.set_input_files("#first input[type=file]", path)


def crop(page: Page) -> tuple[float, ...]:
    return tuple(number(page, name) for name in CROP)


def expect_crop(page: Page, wanted: tuple[float, ...]) -> None:
    """The page writes one component after the other, so the crop may follow the words about it."""
    until = monotonic() + PATIENCE / 1000
    while crop(page) != pytest.approx(wanted) and monotonic() < until:
        page.wait_for_timeout(50)
    assert crop(page) == pytest.approx(wanted)


def test_faces_of_a_photo_are_found_chosen_and_undone(visit: Visit, photo: Path) -> None:
    found = find_faces(photo, CLAY).found
    assert len(found) == 2
    page = visit()
    unfold(page, "crop")
    expect(page.locator("#photo")).to_be_hidden()
    expect(page.locator("#outside")).to_be_hidden()
    bring(page, photo)
    panel = page.locator("#photo")
    expect(panel).to_contain_text("Found 2 faces; the crop was set to the largest.", timeout=PATIENCE)
    expect_crop(page, found[0].crop)
    expect(page.locator("#photo .faces button")).to_have_count(2)
    page.get_by_role("button", name="Face 2").click()
    expect(panel).to_contain_text("The crop was set to face 2.")
    expect_crop(page, found[1].crop)
    expect(page.locator("#live .caption")).to_contain_text("model input")
    panel.get_by_role("button", name="Undo").click()
    expect(panel).to_contain_text("The crop was restored.")
    expect_crop(page, (1, 0, 0, 0))
    page.locator(".recorded button").first.click()
    expect(panel).to_be_hidden()


def test_without_a_face_the_crop_stays_and_the_picture_is_said_to_be_outside(visit: Visit, tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "noise.png")
    page = visit()
    bring(page, tmp_path / "noise.png")
    expect(page.locator("#photo")).to_contain_text("No face was found, so the crop is unchanged", timeout=PATIENCE)
    expect(page.locator("#outside")).to_contain_text("outside the model’s training data")
    expect(page.locator("#outside img")).to_have_count(2)
    if axe.THERE:
        assert axe.faults(page) == []
    bring(page, examples()[1])
    expect(page.locator("#outside")).to_be_hidden()
    expect(page.locator("#photo")).to_be_hidden()


def test_the_result_goes_back_into_the_photo(visit_stand_in: Visit, photo: Path, tmp_path: Path) -> None:
    page = visit_stand_in()
    few_steps(page, 2)
    page.get_by_label("Text: match a prompt").check()
    expect(page.locator("#closeness input[type=number]")).to_have_value("0.5")  # what suits the goal is set
    put(page, "closeness", 0)
    finish(page)
    expect(page.locator("#save-photo")).to_be_hidden()
    expect(page.locator("#compare [data-view=photo]")).to_be_hidden()
    bring(page, photo)
    expect(page.locator("#photo")).to_contain_text("Found 2 faces", timeout=PATIENCE)
    finish(page)
    page.click("#compare [data-view=photo]")
    canvas = page.locator("#compare canvas.photo")
    expect(canvas).to_be_visible()
    assert canvas.evaluate("(one) => [one.width, one.height]") == [720, 398]
    with page.expect_download() as download:
        page.click("#save-photo")
    path = tmp_path / "saved.png"
    download.value.save_as(path)
    assert read_settings(path).crop_zoom > 1
    with Image.open(path) as saved, Image.open(photo) as original:
        assert saved.info["Description"] == SENTENCE
        assert saved.size == original.size
        corner = (640, 0, 760, 190)
        assert saved.crop(corner).tobytes() == original.crop(corner).tobytes()
        assert saved.tobytes() != original.tobytes()
    # a recorded run has no photo around it: what was open closes
    page.locator(".recorded button").first.click()
    expect(page.locator("#save-photo")).to_be_hidden()
    expect(page.locator("#compare canvas.before")).to_be_visible()


def test_the_second_picture_is_cropped_to_its_face_too(visit_stand_in: Visit, photo: Path) -> None:
    page = visit_stand_in()
    page.get_by_label("Picture: look like another picture").click()
    page.set_input_files("#second input[type=file]", photo)
    expect(page.locator("#second-photo")).to_contain_text("Found 2 faces", timeout=PATIENCE)
    page.locator("#second-box").get_by_role("button", name="Crop, second picture").click()
    expect(page.locator("#second_zoom input[type=number]")).not_to_have_value("1")
    expect(page.locator("#photo")).to_be_hidden()
