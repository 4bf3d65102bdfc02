"""The main job on the embedded model itself, once: what it promises holds with real weights too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from studio.core.goals import PROMPTS
from studio.export.metadata import read_settings
from tests.browser.steering import RUN, begin, few_steps, prompt, start, wait_ready

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def test_the_strength_of_an_edit_is_set_with_the_keyboard(visit: Callable[..., Page]) -> None:
    page = visit()
    begin(page, lambda: page.locator(".chips button").nth(3).click())
    expect(page.locator("#trail li")).to_have_count(1, timeout=RUN)
    wait_ready(page)
    page.evaluate("window.result = document.querySelector('#compare canvas.after').toDataURL()")
    page.locator("#strength input[type=range]").focus()
    page.keyboard.press("Home")
    changed = "document.querySelector('#compare canvas.after').toDataURL() !== window.result"
    page.wait_for_function(changed, timeout=RUN)
    expect(page.locator("#strength input[type=range]")).to_have_value("0")


def test_a_face_is_steered_live_and_saved_with_its_settings(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit()
    page.click("#recorded [data-name=sunglasses]")
    expect(page.locator("#status")).to_contain_text("sunglasses")
    page.locator(".chips button").nth(3).click()
    expect(page.locator("#prompt textarea, #prompt input")).to_have_value(PROMPTS[3])
    few_steps(page, 3)
    begin(page, lambda: start(page))
    page.wait_for_function("window.frames_seen.some((one) => /^step/.test(one.shown))", timeout=RUN)
    expect(page.locator("#status")).to_contain_text("Finished", timeout=RUN)
    wait_ready(page)
    expect(page.locator("#numbers")).to_contain_text("lossless (0 of 255 levels off)")
    expect(page.locator("#status")).to_contain_text("inversion lossless")
    with page.expect_download() as download:
        page.click("#save-png")
    saved = tmp_path / "saved.png"
    download.value.save_as(saved)
    assert read_settings(saved).prompt == prompt(page) == PROMPTS[3]
    assert Image.open(saved).size == (128, 128)
