"""Morph, Compare and About in a real browser, on the stand-in model that answers in seconds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from studio.core.gradients import compared_methods
from studio.export.metadata import read_settings
from studio.models.embedded import examples
from tests.browser import axe
from tests.browser.conftest import Served
from tests.browser.steering import RUN, begin, still

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

Visit = Callable[..., Page]
UNDER_WAY = re.compile(r"step [1-9]\d* of 100")


def tab(page: Page, name: str) -> Page:
    page.get_by_role("tab", name=name).click()
    return page


def number(page: Page, field: str, value: int) -> None:
    page.fill(f"#{field} input[type=number]", str(value))
    page.press(f"#{field} input[type=number]", "Tab")


def finish(page: Page, job: str) -> None:
    """A job from its click to its end."""
    begin(page, lambda: page.click(f"#{job}-run"), f"{job}-")
    expect(page.locator(f"#{job}-status")).to_contain_text("Finished", timeout=RUN)
    ready(page, job, job.capitalize())


def ready(page: Page, job: str, label: str) -> None:
    expect(page.locator(f"#{job}-run")).to_have_text(label, timeout=RUN)
    expect(page.locator(f"#{job}-run")).to_be_enabled()
    expect(page.locator(f"#{job}-stop")).to_be_disabled()


@pytest.fixture
def morph(visit_stand_in: Visit) -> Page:
    page = tab(visit_stand_in(), "Morph")
    expect(page.locator("#morph-run")).to_be_visible()
    return page


@pytest.fixture
def compare(visit_stand_in: Visit) -> Page:
    page = tab(visit_stand_in(), "Compare")
    expect(page.locator("#compare-run")).to_be_visible()
    return page


WATCH = """(where) => {
  window.pictures = new Set();
  new MutationObserver(() => document.querySelectorAll(`${where} img`).forEach((image) => pictures.add(image.src)))
    .observe(document.querySelector(where), {subtree: true, childList: true, attributes: true});
}"""


def test_two_faces_are_morphed_live_measured_and_saved(morph: Page, tmp_path: Path) -> None:
    expect(morph.locator("#morph-stage img")).to_have_count(4)  # the recorded run
    expect(morph.locator("#morph-status")).to_contain_text("Recorded run")
    expect(morph.locator("#morph-panel .bar")).to_have_count(12)
    with morph.expect_download():
        morph.click("#morph-save-png")
    number(morph, "morph-optimisation_steps", 20)
    morph.evaluate(WATCH, "#morph-stage")
    finish(morph, "morph")
    assert morph.evaluate("pictures.size") > 8
    expect(morph.locator("#morph-stage img")).to_have_count(4)
    # three embedders, two faces, plain and steered
    expect(morph.locator("#morph-panel .bar")).to_have_count(12)
    expect(morph.locator("#morph-panel")).to_contain_text("of 2 held-out networks")
    expect(morph.locator("#morph-numbers")).to_contain_text("lossless (0 of 255 levels off)")
    for button, name in (("#morph-save-png", "m.png"), ("#morph-save-json", "m.json")):
        with morph.expect_download() as download:
            morph.click(button)
        download.value.save_as(tmp_path / name)
        assert read_settings(tmp_path / name).optimisation_steps == 20
    assert Image.open(tmp_path / "m.png").size == (16, 16)
    assert set(json.loads((tmp_path / "m.json").read_text())["verdicts"]) == {"plain", "steered"}
    # other faces show nothing of the faces before
    morph.locator("#examples-morph-1 button").nth(3).click()
    expect(morph.locator("#morph-stage img")).to_have_count(2)
    expect(morph.locator("#morph-panel .bar")).to_have_count(0)
    expect(morph.locator("#morph-numbers table")).to_have_count(0)
    morph.click("#morph-save-png")
    expect(morph.locator("#morph-message [role=alert]")).to_contain_text("no result to save")


def test_a_comparison_opens_with_a_recorded_one_and_another_picture_clears_it(compare: Page) -> None:
    expect(compare.locator("#compare-cards img")).to_have_count(len(compared_methods()))
    expect(compare.locator("#compare-status")).to_contain_text("Recorded run")
    expect(compare.locator("#compare-cards .outcome")).to_contain_text("Exact gradient: Discrete adjoint")
    compare.locator("#examples-compare-first button").nth(2).click()
    expect(compare.locator("#compare-cards .outcome")).to_contain_text("After a run")
    expect(compare.get_by_alt_text("Picture before")).to_have_count(len(compared_methods()))
    expect(compare.locator("#compare-curve polyline")).to_have_count(len(compared_methods()))  # keys alone


def test_a_morph_stops_and_runs_again(morph: Page, stand_in: Served) -> None:
    number(morph, "morph-optimisation_steps", 100)
    morph.click("#morph-run")
    expect(morph.locator("#morph-status")).to_contain_text(UNDER_WAY)
    expect(morph.locator("#morph-status")).to_contain_text("left")
    calls = stand_in.network.calls
    morph.click("#morph-stop")
    ready(morph, "morph", "Morph")
    # 95 steps and more were left
    assert stand_in.network.calls - calls < 200
    expect(morph.locator("#morph-status")).to_contain_text("the best picture so far is kept")
    with morph.expect_download():
        morph.click("#morph-save-png")
    number(morph, "morph-optimisation_steps", 1)
    finish(morph, "morph")


def test_a_missing_or_bad_face_is_said_and_the_next_morph_works(morph: Page, tmp_path: Path) -> None:
    number(morph, "morph-optimisation_steps", 1)
    morph.locator("#morph-2").get_by_label("Remove Image").click()
    expect(morph.locator("#morph-stage img")).to_have_count(1)
    morph.click("#morph-run")
    expect(morph.locator("#morph-message [role=alert]")).to_contain_text("A morph needs a second face")
    ready(morph, "morph", "Morph")
    (tmp_path / "bad.png").write_text("no picture")
    morph.set_input_files("#morph-2 input[type=file]", tmp_path / "bad.png")
    expect(morph.locator("#morph-message [role=alert]")).to_contain_text("cannot be read as a picture")
    assert str(tmp_path) not in morph.inner_text("body")
    morph.locator("#morph-2").get_by_label("Remove Image").click()
    morph.set_input_files("#morph-2 input[type=file]", examples()[3])
    expect(morph.locator("#morph-stage img")).to_have_count(2)
    finish(morph, "morph")
    expect(morph.locator("#morph-message [role=alert]")).to_have_count(0)


def test_morph_and_about_explain_measure_and_cite(morph: Page) -> None:
    for text in ("people who agreed", "face morphing attack", "eq. 5.1"):
        expect(morph.get_by_text(text).first).to_be_visible()
    expect(morph.locator("#morph-why .katex").first).to_be_visible()
    page = tab(morph, "About")
    for name in ("paper", "privacy", "cite", "figures", "samples"):
        expect(page.locator(f"#about-{name}")).to_be_visible()
    expect(page.locator("#about-figures table")).not_to_have_count(0)
    expect(page.locator("#about-paper .katex").first).to_be_visible()
    expect(page.locator("#about-cite")).to_contain_text("@inproceedings")


def choose(page: Page, job: str, run: str) -> None:
    """A run of the paper."""
    page.click(f"#{job}paper input")
    page.get_by_role("option", name=run).click()


def test_a_face_that_is_replaced_before_the_answer_to_its_removal_is_shown(morph: Page) -> None:
    events = morph.evaluate("gradio_config.dependencies")
    later = [event["id"] for event in events if event["trigger_after"] is not None]
    held: list[Route] = []

    def hold(route: Route) -> None:
        """Events that follow others wait: those that look at the faces."""
        if later and route.request.post_data_json["fn_index"] in later:
            held.append(route)
        else:
            route.continue_()

    morph.route("**/gradio_api/run/**", hold)
    morph.locator("#morph-2").get_by_label("Remove Image").click()
    while not held:
        morph.wait_for_timeout(20)
    morph.set_input_files("#morph-2 input[type=file]", examples()[3])
    expect(morph.locator("#morph-2 img")).to_be_visible()
    morph.wait_for_timeout(1000)  # nothing shows that the upload's events have come
    later.clear()
    for route in held:
        route.continue_()
    expect(morph.locator("#morph-stage img")).to_have_count(2)


@pytest.mark.usefixtures("quick_stand_in")
def test_presets_and_runs_of_the_paper_move_the_fields_of_their_tab(morph: Page) -> None:
    morph.locator("#morph-preset").get_by_text("Paper").click()
    expect(morph.locator("#morph-optimisation_steps input[type=number]")).to_have_value("50")
    choose(morph, "morph-", "Table 4: M = 5 adjoint steps")
    expect(morph.locator("#morph-message [role=status]")).to_contain_text("compare with Table 1")
    expect(morph.locator("#morph-preset input:checked")).to_have_count(0)
    number(morph, "morph-optimisation_steps", 3)
    expect(morph.locator("#morph-paper input")).to_have_value("None")
    tab(morph, "Steer")
    expect(morph.locator("#optimisation_steps input[type=number]")).not_to_have_value("50")
    choose(morph, "", "Equation 2.15: AdjointDEIS-2M, ODE")
    expect(morph.locator("#optimisation_steps input[type=number]")).to_have_value("50")
    expect(morph.locator("#message [role=status]")).to_contain_text("AdjointDEIS-2M")
    morph.locator("#preset").get_by_label("Quick").check()
    expect(morph.locator("#paper input")).to_have_value("None")
    tab(morph, "Compare")
    choose(morph, "compare-", "Tables 4 and 5: errors of the gradient")
    expect(morph.locator("#compare-cards article")).to_have_count(4)
    expect(morph.locator("#compare-cards")).to_contain_text("AdjointDEIS-1, states solved again")
    number(morph, "compare-sampling_steps", 8)
    finish(morph, "compare")
    coarse = morph.locator("#compare-cards article", has_text="AdjointDEIS-1, M = 5")
    expect(coarse).to_contain_text("MiB")
    expect(coarse).not_to_contain_text("exact")


@pytest.mark.usefixtures("quick_stand_in")
def test_methods_are_compared_side_by_side(compare: Page, stand_in: Served) -> None:
    expect(compare.locator("#compare-cards article")).to_have_count(len(compared_methods()))
    number(compare, "compare-optimisation_steps", 4)
    compare.evaluate(WATCH, "#compare-cards")
    finish(compare, "compare")
    expect(compare.locator("#compare-cards .outcome")).to_contain_text("Exact gradient: Discrete adjoint")
    expect(compare.locator("#compare-cards .hint")).to_contain_text("Last losses differ by")
    assert compare.evaluate("pictures.size") > 8
    for name in ("Discrete adjoint", "Plain autograd"):
        card = compare.locator("#compare-cards article", has_text=name)
        expect(card).to_contain_text("exact")
        expect(card).to_contain_text("MiB")
        expect(card.get_by_role("img")).to_have_attribute("alt", f"Result of {name} so far")
    adjoint = compare.locator("#compare-cards article", has_text="AdjointDEIS-1")
    expect(adjoint).to_contain_text("%")
    expect(compare.locator("#compare-curve polyline")).to_have_count(
        2 * len(compared_methods())
    )  # curves and their keys
    stroke = "rgb(194, 65, 12)"  # of its entry, on a light page
    expect(compare.locator("#compare-curve polyline.adjoint_1").first).to_have_css("stroke", stroke)
    # a comparison that is stopped keeps what it has, and another one runs
    stand_in.network.seconds = stand_in.usual
    compare.get_by_role("checkbox", name="AdjointDEIS-2M").uncheck()
    expect(compare.locator("#compare-cards article")).to_have_count(len(compared_methods()) - 1)
    number(compare, "compare-optimisation_steps", 100)
    compare.click("#compare-run")
    expect(compare.locator("#compare-status")).to_contain_text(UNDER_WAY)
    expect(compare.locator("#compare-status")).to_contain_text("left")
    compare.click("#compare-stop")
    ready(compare, "compare", "Compare")
    expect(compare.locator("#compare-status")).to_contain_text("the measurements so far are kept")
    expect(compare.locator("#compare-cards article", has_text="MiB")).to_have_count(len(compared_methods()) - 1)
    number(compare, "compare-optimisation_steps", 1)
    stand_in.network.seconds = 0.0
    finish(compare, "compare")


def test_a_comparison_says_what_is_missing_and_asks_for_what_its_goal_needs(compare: Page) -> None:
    compare.locator("#compare-prompt input, #compare-prompt textarea").fill(" ")
    compare.click("#compare-run")
    expect(compare.locator("#compare-message [role=alert]")).to_contain_text("The prompt is empty")
    ready(compare, "compare", "Compare")
    compare.locator("#compare-prompt input, #compare-prompt textarea").fill("a hat")
    for box in compare.locator("#compare-methods input").all():
        box.uncheck()
    compare.click("#compare-run")
    expect(compare.locator("#compare-message [role=alert]")).to_contain_text("at least one gradient method")
    ready(compare, "compare", "Compare")
    expect(compare.locator("#compare-second")).to_be_hidden()
    compare.locator("#compare-goal").get_by_label("Person: become another person").check()
    expect(compare.locator("#compare-second")).to_be_visible()
    expect(compare.locator("#compare-prompt")).to_be_hidden()


def test_jobs_of_all_tabs_stand_in_one_line(visit_stand_in: Visit, stand_in: Served) -> None:
    first, second = visit_stand_in(), visit_stand_in()
    tab(first, "Morph")
    number(first, "morph-optimisation_steps", 60)
    first.click("#morph-run")
    expect(first.locator("#morph-status")).to_contain_text("step")
    tab(second, "Compare")
    number(second, "compare-optimisation_steps", 1)
    second.click("#compare-run")
    expect(second.locator("#compare-status")).to_contain_text("1 run before yours")
    first.click("#morph-stop")
    ready(first, "morph", "Morph")
    stand_in.network.seconds = 0.0
    expect(second.locator("#compare-status")).to_contain_text("Finished", timeout=RUN)
    ready(second, "compare", "Compare")
    assert stand_in.network.overlaps == 0


@pytest.mark.usefixtures("quick_stand_in")
def test_every_tab_is_in_view_and_nothing_overflows_on_a_phone(visit_stand_in: Visit) -> None:
    page = visit_stand_in()
    for width in (1440, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        still(page)
        for name in ("Steer", "Morph", "Compare", "About"):
            box = page.get_by_role("tab", name=name).bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= width - box["width"]
        expect(page.get_by_label("More tabs")).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("Morph", "Compare", "About"):
        tab(page, name)
        still(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        if name != "About":
            job = name.lower()
            expect(page.locator(f"#{job}-run")).to_be_in_viewport()
            number(page, f"{job}-optimisation_steps", 1)
            finish(page, job)
            expect(page.locator(f"#{job}-status")).to_be_in_viewport()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.skipif(not axe.THERE, reason="axe-core: pip install axe-playwright-python")
# colours depend on the theme and places on the width: both of each, not all four
@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_nothing_serious(visit_stand_in: Visit, stand_in: Served, width: int, theme: str) -> None:
    page, found = visit_stand_in(width, 900, theme), {}
    for job in ("morph", "compare", "about"):
        tab(page, job.capitalize())
        still(page)
        found[job] = axe.faults(page)
        if job != "about":
            page.locator(f"#{job}-more > button").click()
            number(page, f"{job}-sampling_steps", 4)
            number(page, f"{job}-optimisation_steps", 1)
            stand_in.network.seconds = 0.0
            finish(page, job)
            stand_in.network.seconds = stand_in.usual
            still(page)
            found[f"{job} after a run"] = axe.faults(page)
            number(page, f"{job}-optimisation_steps", 100)
            page.click(f"#{job}-run")
            expect(page.locator(f"#{job}-status")).to_contain_text(UNDER_WAY, timeout=RUN)
            stand_in.network.seconds = 0.3  # the run outlasts axe on a busy machine too
            found[f"{job} during a run"] = axe.faults(page)
            page.click(f"#{job}-stop")
            stand_in.network.seconds = 0.0
            ready(page, job, job.capitalize())
            page.locator("#morph-1" if job == "morph" else "#compare-first").get_by_label("Remove Image").click()
            still(page)
            page.click(f"#{job}-run")
            expect(page.locator(f"#{job}-message [role=alert]")).to_be_visible()
            still(page)
            found[f"{job} after an error"] = axe.faults(page)
    assert not any(found.values()), found


@pytest.mark.skipif(not axe.THERE, reason="axe-core: pip install axe-playwright-python")
def test_axe_finds_nothing_serious_on_stage(visit_stand_in: Visit) -> None:
    assert axe.faults(visit_stand_in(1920, 1080, present="1")) == []
