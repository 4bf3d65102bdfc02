"""The model is chosen on the page: the embedded ones, with real weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from studio.export.metadata import KEY
from tests.browser import axe
from tests.browser.steering import RUN, begin, few_steps, prompt, start, still, wait_ready, write

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def saved(page: Page, folder: Path) -> Image.Image:
    """The result as it is downloaded."""
    with page.expect_download() as download:
        page.click("#save-png")
    download.value.save_as(folder / "saved.png")
    with Image.open(folder / "saved.png") as image:
        image.load()
        return image


def choose(page: Page, title: str) -> None:
    page.click("#model input")
    page.get_by_role("option", name=title).click()
    expect(page.locator("#model input")).to_be_enabled(timeout=RUN)


def test_another_model_keeps_picture_and_settings(visit: Callable[..., Page], tmp_path: Path) -> None:
    page, other = visit(), visit()
    write(page, "a face with a blue hat")
    few_steps(page, 3)
    try:
        choose(page, "Clay faces at 64 pixels")
        expect(page.locator("#live [data-shown]")).to_have_attribute("data-shown", "model input, 64 × 64")
        expect(page.locator("#model-line")).to_contain_text("Licence: MIT. Memory: about")
        expect(page.locator("#save-large")).to_contain_text("enlarged 8 ×")
        assert prompt(page) == "a face with a blue hat"
        page.keyboard.press("Escape")
        still(page)
        if axe.THERE:
            assert axe.faults(page) == []
        begin(page, lambda: start(page))
        expect(page.locator("#status")).to_contain_text("Finished", timeout=RUN)
        wait_ready(page)
        result = saved(page, tmp_path)
        assert result.size == (64, 64)
        assert json.loads(result.text[KEY])["model"]["name"] == "clay faces, 64 px"
        # a page that was open before shows the switch with its next run
        few_steps(other, 1)
        begin(other, lambda: start(other))
        expect(other.locator("#model input")).to_have_value("Clay faces at 64 pixels (MIT, CPU)", timeout=RUN)
        wait_ready(other)
    finally:
        choose(page, "Clay faces (MIT, CPU)")
    expect(page.locator("#live [data-shown]")).to_have_attribute("data-shown", "model input, 128 × 128")
    begin(page, lambda: start(page))
    expect(page.locator("#status")).to_contain_text("Finished", timeout=RUN)
    wait_ready(page)
    assert saved(page, tmp_path).size == (128, 128)
