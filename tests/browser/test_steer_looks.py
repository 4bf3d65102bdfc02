"""The Steer tab for eyes, thumbs, keyboards and screen readers: sizes, themes, and what axe-core finds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import axe
from tests.browser.axe import faults
from tests.browser.conftest import Served
from tests.browser.steering import begin, few_steps, finish, message, prompt, still, unfold, wait_moving, wait_ready

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

Visit = Callable[..., Page]


def every_picture_has_words(page: Page) -> None:
    """Every picture in view has an alternative text."""
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('.tabitem img, .tabitem canvas, .tabitem svg[role=img]')].filter((one) =>
          one.offsetParent && !(one.getAttribute('aria-label') || one.alt) && !one.closest('button[aria-label]')
        ).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


@pytest.mark.skipif(not axe.THERE, reason="axe-core: pip install axe-playwright-python")
# colours depend on the theme and places on the width: both of each, not all four
@pytest.mark.parametrize(("width", "theme"), [(1440, "dark"), (390, "light")])
def test_axe_finds_nothing_serious(visit_stand_in: Visit, stand_in: Served, width: int, theme: str) -> None:
    page = visit_stand_in(width, 900, theme)
    assert faults(page) == []
    for name in ("crop", "more", "history"):
        unfold(page, name)
    page.get_by_label("Mix: weighted sum").check()
    few_steps(page)
    finish(page)
    every_picture_has_words(page)
    page.click("#compare [data-view=heat]")
    page.click("#link")
    expect(page.locator("#address")).to_be_visible()
    still(page)
    assert faults(page) == []
    few_steps(page, 100)
    begin(page, lambda: page.click("#run"))
    wait_moving(page)
    stand_in.network.seconds = 0.3  # the run outlasts axe on a busy machine too
    assert faults(page) == []
    page.click("#stop")
    stand_in.network.seconds = stand_in.usual
    wait_ready(page)
    page.fill("#prompt textarea, #prompt input", "")
    page.click("#run")
    message(page, "The prompt is empty")
    still(page)  # colours change gradually
    assert faults(page) == []


def test_a_whole_run_needs_no_mouse(visit_stand_in: Visit) -> None:
    page = visit_stand_in()
    few_steps(page, 3)
    page.evaluate("(top) => { top.tabIndex = -1; top.focus(); }", page.locator("#head").element_handle())
    reached: list[str] = []
    for _ in range(90):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => {
                  const here = document.activeElement;
                  return `${here.closest('[id]:not([id^=html-]):not([id^=component])')?.id} ${here.className}`;
                }"""
            )
        )
        if reached[-1].startswith("prompt "):
            page.keyboard.press("Control+A")
            page.keyboard.type("a face with a blue hat")
    order = [
        next((i for i, one in enumerate(reached) if one.startswith(name)), None)
        for name in (
            "first",
            "recorded",
            "crop",
            "goal",
            "prompt",
            "preset",
            "run",
            "live",
            "compare",
            "save-png",
            "link",
        )
    ]
    assert None not in order, reached
    assert order == sorted(order)
    assert prompt(page) == "a face with a blue hat"
    begin(page, lambda: page.keyboard.press("Control+Enter"))
    expect(page.locator("#status")).to_contain_text("Finished")
    wait_ready(page)
    expect(page.locator("#numbers")).to_contain_text("a face with a blue hat")
    few_steps(page, 100)
    page.keyboard.press("Control+Enter")
    wait_moving(page)
    page.keyboard.press("Escape")
    wait_ready(page)
    expect(page.locator("#status")).to_contain_text("the best picture so far is kept")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_matters_is_above_the_fold_and_whatever_has_the_focus_has_a_ring(
    visit_stand_in: Visit, theme: str
) -> None:
    page = visit_stand_in(theme=theme)
    for name in (
        "#first",
        "#recorded",
        "#goal",
        "#prompt",
        "#run",
        "#status",
        "#live canvas",
        "#compare canvas.before",
    ):
        expect(page.locator(name)).to_be_in_viewport(ratio=0.9)
    page.evaluate("(top) => { top.tabIndex = -1; top.focus(); }", page.locator("#head").element_handle())
    bare = []
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
              const here = document.activeElement, ring = here.matches('.wipe') ? here.closest('.tile') : here;
              const style = getComputedStyle(ring);
              return [style.outlineStyle, parseFloat(style.outlineWidth), here.outerHTML.slice(0, 90)];
            }"""
        )
        if found[0] == "none" or found[1] < 2:
            bare.append(found[2])
    assert bare == []


def test_on_a_phone_nothing_overflows_and_the_picture_follows_run(visit_stand_in: Visit) -> None:
    page = visit_stand_in(390, 844)
    few_steps(page, 3)
    expect(page.locator("#run")).to_be_in_viewport()
    finish(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    still(page)  # the smooth scroll
    for name in ("#status", "#live canvas", "#run"):
        expect(page.locator(name)).to_be_in_viewport()
    # Run and Stop, what they say, the picture: in this order, also for a screen reader
    order = page.evaluate(
        """['#go', '#status', '#live', '#compare', '#keep'].map((name) => document.querySelector(name))
          .every((one, i, all) => !i || all[i - 1].compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING)"""
    )
    assert order
