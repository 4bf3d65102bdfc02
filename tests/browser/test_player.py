"""The player of a saved run, from disk and with the network off: mouse, keyboard, phone, iframe; and the report."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")

import numpy as np
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from studio.batch.report import write_report
from studio.core.cancellation import CancelToken
from studio.core.settings import parse
from studio.export.files import save
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.steer import steer
from tests.stub import SIZE, stub

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def model() -> Model:
    return stub()


@pytest.fixture(scope="module")
def player(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("player")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / "a.png")
    values = {"prompt": "<b>red</b> hair", "optimisation_steps": 6, "loss": "clip_text"}
    request = Request.checked(values, folder / "a.png", None, SIZE)
    *_, last = steer(model, request, CancelToken(folder / "stop"))
    assert isinstance(last, Outcome)
    return save("html", last, model, folder)


@pytest.fixture
def page(profile: Callable[[int], BrowserContext], player: Path) -> Iterator[Page]:
    """The player in a browser without a network; it makes no request and logs no error."""
    context = profile(0)
    context.set_offline(True)
    page = context.new_page()
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(player.as_uri())
    yield page
    assert [url for url in requests if not url.startswith(("data:", "file:"))] == []
    assert errors == []
    page.close()
    context.set_offline(False)


def pixels(page: Page) -> list[int]:
    """Of the picture on the right."""
    return page.evaluate(
        "(() => { const c = document.querySelectorAll('.pair canvas')[1];"
        " return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]; })()"
    )


def test_texts_of_the_run_are_shown_and_not_parsed(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("<b>red</b> hair")
    assert page.locator("h1 b").count() == 0
    for name in ("Measurements", "Settings", "Citation"):
        page.get_by_text(name, exact=True).click()
    expect(page.get_by_text("arXiv:2405.15020")).to_be_visible()
    expect(page.get_by_role("row", name="Network calls")).to_be_visible()
    expect(page.get_by_role("row", name="Optimisation steps")).to_contain_text("6")


def test_the_scrubber_moves_the_picture_and_the_curve(page: Page) -> None:
    step = page.get_by_label("Optimisation step")
    step.focus()
    step.press("Home")
    expect(page.locator("#run")).to_have_attribute("data-shown", "0")
    first, left = pixels(page), page.locator("svg .now").get_attribute("x1")
    step.press("ArrowRight")
    step.press("ArrowRight")
    expect(page.locator("#run")).to_have_attribute("data-shown", "2")
    assert pixels(page) != first
    assert float(page.locator("svg .now").get_attribute("x1")) > float(left)
    expect(page.locator(".right")).to_have_text("step 2")


def test_a_click_on_the_curve_goes_to_that_step(page: Page) -> None:
    box = page.locator("svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.55, box["y"] + box["height"] / 2)
    assert page.locator("#run").get_attribute("data-shown") == "3"


def test_the_divider_follows_the_pointer_and_the_keys(page: Page) -> None:
    box = page.locator(".pair").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    divider = page.get_by_label("Divider between before and after")
    expect(divider).to_have_value("25")
    divider.focus()
    divider.press("ArrowRight")
    assert page.locator(".pair").evaluate("e => e.style.getPropertyValue('--at')") == "26%"


def test_the_keyboard_works_without_a_control_in_focus(page: Page) -> None:
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#run")).to_have_attribute("data-shown", "1")
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()  # at the end it rests


@pytest.mark.parametrize(("width", "height"), [(390, 844), (640, 360), (1280, 720)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_width_in_light_and_dark(page: Page, width: int, height: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


def test_it_works_inside_an_iframe(page: Page, player: Path, tmp_path: Path) -> None:
    slide = tmp_path / "slide.html"
    slide.write_text(f'<iframe src="{player.as_uri()}" width="640" height="400" sandbox="allow-scripts"></iframe>')
    page.goto(slide.as_uri())
    frame = page.frame_locator("iframe")
    frame.get_by_label("Optimisation step").press("Home")
    expect(frame.locator("#run")).to_have_attribute("data-painted", "0")


def test_the_report_sorts_and_opens_the_player(page: Page, model: Model, tmp_path: Path) -> None:
    from studio.batch.jobs import Job
    from studio.batch.output import Output
    from studio.batch.plan import Plan
    from studio.batch.work import work

    jobs = []
    for i, name in enumerate(("a", "b", "c")):
        path = tmp_path / f"{name}.png"
        if name != "b":
            Image.fromarray(np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
        error = "" if name != "b" else "There is no file b.png."
        jobs.append(Job(i, name, path, None, parse({"prompt": name, "optimisation_steps": 2, "seed": 9 - i}), error))
    output = Output(tmp_path / "out", model, jobs)
    output.size(2)
    work(model, Plan.of(jobs, 2), output, CancelToken(tmp_path / "stop"))
    page.goto(write_report(output.path).as_uri())

    def names() -> list[str]:
        return page.locator("tbody td:nth-child(2)").all_inner_texts()

    assert names() == ["b", "a", "c"]
    page.get_by_role("button", name="seed").click()
    assert names() == ["c", "b", "a"]
    page.get_by_role("button", name="seed").click()
    assert names() == ["a", "b", "c"]
    page.get_by_role("button", name="Open the run c").click()
    expect(page.get_by_role("dialog").locator("h1")).to_have_text("c")
    expect(page.get_by_role("dialog").locator(".run")).to_have_attribute("data-painted", "0")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
