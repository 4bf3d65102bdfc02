"""A clay likeness in a real browser: from a photograph in Steer, corrected by hand, and used in another tab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import axe
from tests.browser.steering import PATIENCE
from tests.studio.images import portraits
from tests.studio.images.portraits import saved

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Visit = Callable[..., Page]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return saved(portraits.portrait(), tmp_path)


def test_a_photo_in_steer_becomes_clay_with_one_click(visit: Visit, photo: Path) -> None:
    page = visit()
    expect(page.locator("#first-likeness")).to_be_hidden()
    page.locator("#first").get_by_label("Remove Image").click()
    page.set_input_files("#first input[type=file]", photo)
    expect(page.locator("#first-likeness")).to_be_visible(timeout=PATIENCE)
    page.click("#first-likeness")
    panel = page.locator("#first-candidates")
    expect(panel).to_contain_text("A caricature in clay", timeout=PATIENCE)
    expect(panel.locator(".faces button")).to_have_count(3)
    expect(panel.locator("figure img")).to_be_visible()
    expect(page.locator("#outside")).to_be_hidden()
    expect(page.locator("#live .caption")).to_contain_text("model input", timeout=PATIENCE)
    before = page.locator("#first img").get_attribute("src")
    panel.get_by_role("button", name="Candidate 2").click()
    expect(panel.get_by_role("button", name="Candidate 2")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#first img")).not_to_have_attribute("src", str(before))
    page.click("#first-adjust")
    expect(page.locator("#likeness-face img")).to_be_visible(timeout=PATIENCE)


def test_a_face_is_designed_by_hand_and_used_in_a_morph(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="Morph").click()
    old = page.locator("#morph-1 img").get_attribute("src")
    page.get_by_role("tab", name="Likeness").click()
    face = page.locator("#likeness-face img")
    expect(face).to_be_visible(timeout=PATIENCE)
    before = face.get_attribute("src")
    page.click("#likeness-random")
    expect(face).not_to_have_attribute("src", str(before))
    rolled = face.get_attribute("src")
    page.fill("#face-hairline input[type=number]", "-1")
    page.press("#face-hairline input[type=number]", "Enter")
    page.fill("#face-skin input[type=number]", "4.5")
    page.press("#face-skin input[type=number]", "Enter")
    expect(face).not_to_have_attribute("src", str(rolled))
    page.get_by_role("button", name="Morph, first face").click()
    expect(page.locator("#morph-run")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#morph-1 img")).not_to_have_attribute("src", str(old))


def test_the_likeness_tab_is_accessible_on_a_phone(visit: Visit, photo: Path) -> None:
    page = visit(width=390, height=844)
    page.get_by_role("tab", name="Likeness").click()
    page.set_input_files("#likeness-photo input[type=file]", photo)
    page.click("#likeness-make")
    expect(page.locator("#likeness-candidates .faces button")).to_have_count(3, timeout=PATIENCE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if axe.THERE:
        assert axe.faults(page) == []
