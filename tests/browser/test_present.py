"""On stage: nothing leaves the machine, keys do the work, a pause brings the page back to its start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

import app
from studio.export.recordings import load
from studio.models.embedded import examples
from studio.queue.app_state import Studio
from studio.ui.page import page as build_page
from tests.browser.conftest import Profile
from tests.browser.steering import PATIENCE, RUN, begin, still, wait_ready
from tests.stub import stub

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

Visit = Callable[..., Page]
UNDER_WAY = re.compile(r"step [1-9]\d* of 100")


@pytest.fixture
def stage(visit_stand_in: Visit) -> Page:
    page = visit_stand_in(1280, 720, present="1")
    expect(page.locator("#keys")).to_be_visible()
    return page


def leave(page: Page) -> None:
    """Take the focus out of every field, so that keys are commands."""
    page.evaluate("document.activeElement.blur()")


def steps(page: Page, value: int, prefix: str = "") -> None:
    """Set the number of updates among the folded inputs, and fold them again."""
    leave(page)
    page.keyboard.press("i")
    page.fill(f"#{prefix}optimisation_steps input[type=number]", str(value))
    page.press(f"#{prefix}optimisation_steps input[type=number]", "Tab")
    leave(page)
    page.keyboard.press("i")


SMALL = """() => {
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), holder = walk.currentNode.parentElement;
    const box = holder.getBoundingClientRect();
    if (!text || box.width < 2 || !holder.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (parseFloat(getComputedStyle(holder).fontSize) < 20 && holder.tagName !== 'SUB') found.push(text.slice(0, 40));
  }
  return found;
}"""
FITS = """() => document.documentElement.scrollHeight <= innerHeight && [...document.querySelectorAll('.column')]
  .every((one) => !one.clientHeight || one.scrollHeight <= one.clientHeight + 1)"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_projector_shows_everything_without_scrolling_in_letters_of_20_pixels(
    visit_stand_in: Visit, theme: str
) -> None:
    page = visit_stand_in(1280, 720, theme, present="1")
    names = ("#compare canvas.before", "#compare canvas.after", "#live canvas", "#live .graph svg", "#live .legend")
    for name in (*names, "#asked .how", "#run", "#stop", "#status", "#prompt"):
        expect(page.locator(name)).to_be_in_viewport(ratio=0.95)
    expect(page.locator("#asked")).to_contain_text("Goal: a face with red hair")
    expect(page.locator("#asked")).to_contain_text("gradient through all sampling steps")
    apart = page.evaluate(
        """() => ['before', 'after'].map((name) => document.querySelector(`#compare .${name}`).getBoundingClientRect())
          .reduce((left, right) => right.left - left.right)"""
    )
    assert apart > 0
    for name in ("Steer", "Morph", "Compare"):
        page.get_by_role("tab", name=name).click()
        still(page)
        assert page.evaluate(FITS), name
        assert page.evaluate(SMALL) == [], name
        inputs = page.locator(f"#{'run' if name == 'Steer' else name.lower() + '-run'}").evaluate(
            "(run) => run.closest('.column').previousElementSibling.getBoundingClientRect().width"
        )
        assert inputs <= 0.25 * 1280, name


def test_keys_run_and_stop_and_a_run_fits_too(stage: Page) -> None:
    steps(stage, 3)
    stage.keyboard.press("r")
    expect(stage.locator("#status")).to_contain_text("Finished", timeout=RUN)
    still(stage)
    assert stage.evaluate(FITS)
    expect(stage.locator("#compare canvas.after")).to_be_in_viewport(ratio=0.95)
    steps(stage, 100)
    stage.keyboard.press("r")
    expect(stage.locator("#status")).to_contain_text(UNDER_WAY)
    stage.keyboard.press("s")
    expect(stage.locator("#status")).to_contain_text("the best picture so far is kept")
    expect(stage.locator("#run")).to_be_enabled()


def test_a_remote_goes_through_the_examples_and_then_the_tabs(stage: Page) -> None:
    titles = [one.title for one in load()]
    for title in titles[1:]:
        stage.keyboard.press("PageDown")
        expect(stage.locator("#status")).to_contain_text(f": {title}.")
    stage.keyboard.press("PageUp")
    expect(stage.locator("#status")).to_contain_text(f": {titles[-2]}.")
    stage.keyboard.press("PageDown")
    expect(stage.locator("#status")).to_contain_text(f": {titles[-1]}.")
    for name in ("Morph", "Compare", "Steer"):
        stage.keyboard.press("PageDown")
        expect(stage.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize(("name", "tab"), [("memory", "Compare"), ("morph", "Morph")])
def test_a_claim_of_the_paper_has_an_address(visit_stand_in: Visit, name: str, tab: str) -> None:
    page = visit_stand_in(show=name)
    expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
    expect(page.locator(f"#{tab.lower()}-status")).to_contain_text("Recorded run")


@pytest.mark.parametrize("name", ["roundtrip", "sde"])
def test_the_round_trip_is_run_at_its_address(visit_stand_in: Visit, name: str) -> None:
    page = visit_stand_in(1280, 720, show=name, present="1")
    expect(page.locator("#status")).to_contain_text("Reconstructed", timeout=RUN)
    expect(page.locator("#asked")).to_contain_text("lossless (0 of 255 levels off)")
    expect(page.locator("#asked")).to_contain_text("ODE (DDIM)")
    expect(page.locator("#compare .tag.right")).to_have_text("Reconstruction (SDE)")
    still(page)
    assert page.evaluate(FITS)


def test_the_page_asks_nobody_but_its_own_server(profile: Profile, stand_in: object) -> None:
    url = stand_in.url  # type: ignore[attr-defined]
    page, asked = profile(0).new_page(), []
    page.set_default_timeout(PATIENCE)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}?present=1")
    page.wait_for_selector("#cost p", state="attached")
    begin(page, lambda: page.keyboard.press("r"))
    expect(page.locator("#status")).to_contain_text("Finished", timeout=RUN)
    wait_ready(page)
    for name in ("Morph", "Compare", "About"):
        page.get_by_role("tab", name=name).click()
        still(page)
    own = urlsplit(url).netloc
    foreign = {one for one in asked if urlsplit(one).scheme not in ("data", "blob") and urlsplit(one).netloc != own}
    assert len(asked) > 20
    assert foreign == set()
    page.close()


def test_what_a_room_reads_is_larger_and_what_one_visitor_needs_is_gone(stage: Page, visit_stand_in: Visit) -> None:
    plain = visit_stand_in(1280, 720)
    stage.keyboard.press("i")
    expect(plain.locator("#keys")).to_have_count(0)
    size = "getComputedStyle(document.querySelector('%s')).fontSize.replace('px', '') * 1"
    for where in ("#status b", "#run", "#goal label span"):
        assert stage.evaluate(size % where) > 1.2 * plain.evaluate(size % where)
    for name in ("#history", "#small-print"):
        expect(plain.locator(name)).to_be_visible()
        expect(stage.locator(name)).to_be_hidden()


def test_keys_go_through_the_examples(stage: Page) -> None:
    def press(key: str, title: str) -> None:
        with stage.expect_response(lambda answer: answer.request.method == "POST"):
            stage.keyboard.press(key)
        still(stage)
        expect(stage.locator("#status")).to_contain_text(re.compile(f"Recorded.*: {title}\\."))

    titles = [one.title for one in load()[1:4]]  # the page opens with the first
    for title in titles:
        press("n", title)
    press("f", titles[-1])
    # a run that fails gives way to the recorded one
    stage.locator("#prompt textarea, #prompt input").fill(" ")
    leave(stage)
    stage.keyboard.press("r")
    expect(stage.locator("#message [role=alert]")).to_be_visible()
    expect(stage.locator("#status")).to_contain_text("Recorded")
    expect(stage.locator("#prompt textarea, #prompt input")).not_to_have_value(" ")


def test_letters_in_a_prompt_are_letters_and_elsewhere_keys_of_the_tab(stage: Page) -> None:
    box = stage.locator("#prompt textarea, #prompt input")
    box.fill("")
    box.press_sequentially("rsnpfih")
    assert box.input_value() == "rsnpfih"
    expect(stage.locator("#run")).to_have_text("Run")
    expect(stage.locator("#keys")).to_be_visible()
    leave(stage)
    stage.keyboard.press("h")
    expect(stage.locator("#keys")).to_be_hidden()
    stage.keyboard.press("h")
    expect(stage.locator("#keys")).to_be_visible()
    stage.get_by_role("tab", name="Morph").click()
    steps(stage, 1, "morph-")
    stage.keyboard.press("r")
    expect(stage.locator("#morph-status")).to_contain_text("Finished")


def test_after_a_pause_the_page_starts_afresh_but_never_during_a_run(visit_stand_in: Visit) -> None:
    page = visit_stand_in(present="1", idle="4")
    steps(page, 100)
    page.evaluate("window.same = true")
    page.keyboard.press("r")
    expect(page.locator("#status")).to_contain_text(UNDER_WAY)
    page.wait_for_timeout(6000)  # longer than the pause: nothing else could show that it is not taken for one
    assert page.evaluate("window.same")
    page.keyboard.press("s")
    page.wait_for_function("!window.same")
    page.wait_for_selector("#cost p", state="attached")
    expect(page.locator("#optimisation_steps input[type=number]")).not_to_have_value("100")
    expect(page.locator("#keys")).to_be_visible()


@pytest.fixture
def forced() -> Iterator[str]:
    """What `python app.py --present` serves."""
    blocks = build_page(Studio(stub()), examples())
    _, url, _ = app.launch(blocks, True, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield url
    blocks.close()


def test_the_flag_presents_whatever_the_address_says(open_page: Visit, forced: str) -> None:
    expect(open_page(forced).locator("#keys")).to_be_visible()
