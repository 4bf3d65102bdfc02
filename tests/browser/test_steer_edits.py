"""Where a picture may change, and chains of edits."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from studio.core.goals import PROMPTS
from studio.core.painted import LENGTH, cells
from studio.models.embedded import ASSETS
from tests.browser.steering import RUN, begin, still, wait_ready

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
Visit = Callable[..., Page]
PAINTED = "#painted textarea, #painted input"


def open_area(page: Page) -> None:
    page.click("#area > button")
    expect(page.locator("#brush canvas")).to_be_visible()
    still(page)


def stroke(page: Page, height: float) -> None:
    """From a quarter to three quarters of the width, at this share of the height."""
    box = page.locator("#brush canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + height * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + height * box["height"], steps=5)
    page.mouse.up()


@pytest.mark.parametrize("width", [1440, 390])
def test_strokes_of_the_brush_are_settings_and_can_be_cleared(visit_stand_in: Visit, width: int) -> None:
    page = visit_stand_in(width=width)
    open_area(page)
    page.locator("#brush canvas").scroll_into_view_if_needed()
    stroke(page, 0.5)
    page.wait_for_function(f"document.querySelector('{PAINTED}').value.length === {LENGTH}")
    grid = cells(page.locator(PAINTED).input_value())
    rows, columns = {i // 32 for i, on in enumerate(grid) if on}, {i % 32 for i, on in enumerate(grid) if on}
    assert max(rows) - min(rows) == 2
    assert max(columns) - min(columns) == pytest.approx(18, abs=2)
    page.click("#brush [data-act=clear]")
    expect(page.locator(PAINTED)).to_have_value("")


def test_what_follows_a_stroke_at_once_is_not_lost(visit_stand_in: Visit) -> None:
    def slow(route: Route) -> None:
        time.sleep(0.3)
        route.continue_()

    page = visit_stand_in()
    open_area(page)
    page.locator("#brush canvas").scroll_into_view_if_needed()
    page.route("**/gradio_api/run/**", slow)
    stroke(page, 0.25)
    page.wait_for_function(f"document.querySelector('{PAINTED}').value.length === {LENGTH}")
    page.click("#brush [data-act=clear]")  # before the brush has its stroke back
    expect(page.locator(PAINTED)).to_have_value("")
    stroke(page, 0.25)
    stroke(page, 0.75)
    page.wait_for_function(
        """(painted) => {
          const text = document.querySelector(painted).value.replace(/-/g, '+').replace(/_/g, '/');
          const has = (row) => [0, 1, 2, 3].some((i) => atob(text).charCodeAt(4 * row + i));
          return text && has(8) && has(24);
        }""",
        arg=PAINTED,
    )


ALONE = """(script) => {
  document.body.innerHTML = '<canvas width="320" height="320" tabindex="0"></canvas>'
    + ['paint', 'erase', 'large', 'clear'].map((act) => `<button data-act="${act}"></button>`).join('');
  const found = [], props = {value: {}}, all = (name) => [...document.querySelectorAll(name)];
  let changed;
  new Function('find', 'all', 'props', 'trigger', 'watch', 'decode', script)((name) => all(name)[0], all, props,
    (_, data) => found.push(data.cells), (_, update) => { changed = update }, () => null);
  window.sent = found;
  window.answer = (cells) => { props.value = {cells}; changed() };
  window.press = (key) => all('canvas')[0].dispatchEvent(new KeyboardEvent('keydown', {key}));
  window.clear_all = () => all('[data-act=clear]')[0].click();
}"""


def test_answers_that_come_late_undo_no_stroke(blank_tab: Callable[[int], Page]) -> None:
    page = blank_tab(0)
    page.evaluate(ALONE, (ASSETS / "studio" / "brush.js").read_text(encoding="utf-8"))
    page.evaluate("() => { press(' '); clear_all(); press(' ') }")
    first, cleared, again = page.evaluate("sent")
    assert (first, cleared) == (again, "")
    for late in (first, cleared):  # the server has not seen the second stroke, which equals the first one
        page.evaluate("answer", late)
    page.evaluate("() => { for (let i = 0; i < 5; i++) press('ArrowUp'); press(' ') }")
    both = page.evaluate("sent.at(-1)")
    assert sum(cells(both)) == 2 * sum(cells(first))
    page.evaluate("answer", again)
    page.evaluate("answer", both)
    page.evaluate("answer", first)  # all have come back: these are cells from elsewhere, such as restored settings
    page.evaluate("() => { for (let i = 0; i < 5; i++) press('ArrowUp'); press(' ') }")
    assert sum(cells(page.evaluate("sent.at(-1)"))) == 2 * sum(cells(first))


@pytest.mark.usefixtures("quick_stand_in")
def test_the_brush_works_with_the_keyboard_and_a_run_shows_its_area(visit_stand_in: Visit) -> None:
    page = visit_stand_in()
    open_area(page)
    page.focus("#brush canvas")
    for key in ("ArrowUp", "Space", "ArrowRight", "Space"):
        page.keyboard.press(key)
    page.wait_for_function(f"document.querySelector('{PAINTED}').value.length === {LENGTH}")
    expect(page.locator(PAINTED)).not_to_have_value("")
    page.locator("#outside-area label", has_text="Original pixels").click()
    begin(page, lambda: page.click("#run"))
    expect(page.locator("#numbers figure.area")).to_contain_text("composited with a feathered edge", timeout=RUN)
    expect(page.locator("#asked")).to_contain_text("only in: painted area")
    wait_ready(page)


@pytest.mark.usefixtures("quick_stand_in")
def test_a_chip_goes_on_from_the_edit_before_and_undo_goes_back(visit_stand_in: Visit) -> None:
    page = visit_stand_in()
    for number, words in enumerate(PROMPTS[:2], 1):
        begin(page, lambda words=words: page.get_by_role("button", name=words, exact=True).click())
        expect(page.locator("#trail li")).to_have_count(number, timeout=RUN)
        wait_ready(page)
    expect(page.locator("#trail li")).to_have_text(list(PROMPTS[:2]))
    page.click("#undo")
    expect(page.locator("#trail li")).to_have_text([PROMPTS[0]])
    page.click("#undo")
    expect(page.locator("#chain")).to_have_count(0)
