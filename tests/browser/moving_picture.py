"""The moving picture at the top of the README: `python -m tests.browser.moving_picture` writes docs/screens/run*.webp.

The app is started with the embedded model and driven in headless Chromium: an example is uploaded, Run is pressed, and
a screenshot is taken of every step that the page shows, until the result is there. The page opens with a recorded run;
its status and its result are hidden until this run has its own. Elements are found by their ids, so the words on the
page may change.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.screens import FOLDER, PATIENCE, studio_in_chromium

FILES = {"light": "run.webp", "dark": "run-dark.webp"}
EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "2-black-hair.png"
PROMPT = "a laughing person with red hair and sunglasses"
VIEWPORT = {"width": 1180, "height": 1200}
WIDTH = 900
LARGEST = 2_000_000
# milliseconds that a picture is shown
OPENING, STEP, WIPE, ENDING = 1500, 280, 90, 3000
# where the line between before and after goes at the end, in per cent
LINE = (*range(50, 96, 9), *range(95, 4, -9), *range(5, 51, 9))

_DRAWN = "Number(document.querySelector('#live [data-shown]')?.dataset.drawn || 0)"
_RUNNING = "document.querySelector('#run').disabled"
_HIDE = "#status, #compare, #numbers { visibility: hidden }"
_SHOW = "(names) => document.querySelectorAll(names).forEach((one) => { one.style.visibility = 'visible' })"
_MOVE_LINE = """(line, at) => {
  line.value = at;
  line.dispatchEvent(new Event('input', {bubbles: true}));
}"""


class Shot(NamedTuple):
    """One picture and how long it is shown, in milliseconds."""

    image: Image.Image
    milliseconds: int


def shot(page: Page, milliseconds: int) -> Shot:
    """The page in its window."""
    return Shot(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), milliseconds)


def bottom(page: Page) -> int:
    """Where the curve and the numbers beside it end, or the window does, in pixels from the top."""
    boxes = [page.locator(name).bounding_box() for name in ("#live .graph", "#numbers")]
    return min(VIEWPORT["height"], max(round(box["y"] + box["height"]) for box in boxes if box) + 8)


def cut(image: Image.Image, height: int) -> Image.Image:
    """What lies above a height, WIDTH pixels wide."""
    size = (WIDTH, round(height * WIDTH / image.width))
    return image.resize(size, Image.Resampling.LANCZOS, box=(0, 0, image.width, height))


def opened(browser: Browser, url: str, theme: str) -> Page:
    """The page with the example and the prompt, ready to run."""
    page = browser.new_page(viewport=VIEWPORT)
    page.set_default_timeout(PATIENCE)
    page.goto(f"{url}?__theme={theme}")
    page.wait_for_selector("#cost p", state="attached")
    page.wait_for_timeout(1500)  # what follows the load event
    page.add_style_tag(content=_HIDE)
    drawn = page.evaluate(_DRAWN)
    page.set_input_files("#first input[type=file]", EXAMPLE)
    page.wait_for_function(f"{_DRAWN} > {drawn}")
    page.fill("#prompt textarea, #prompt input", PROMPT)
    page.locator("#prompt textarea, #prompt input").blur()
    page.wait_for_timeout(1500)
    return page


def run(page: Page) -> Iterator[Shot]:
    """A run from before it starts to its result."""
    yield shot(page, OPENING)
    drawn = page.evaluate(_DRAWN)
    page.click("#run")
    page.mouse.move(0, 0)
    page.wait_for_function(_RUNNING)
    page.evaluate(_SHOW, "#status")
    while page.evaluate(_RUNNING):
        yield shot(page, STEP)
        page.wait_for_function(f"{_DRAWN} > {drawn} || !{_RUNNING}")
        drawn = page.evaluate(_DRAWN)
    page.evaluate(_SHOW, "#compare, #numbers")
    page.wait_for_timeout(1500)
    line = page.locator("#compare .wipe")
    for at in LINE:
        line.evaluate(_MOVE_LINE, at)
        yield shot(page, WIPE)
    yield shot(page, ENDING)


def webp(shots: list[Shot], height: int, quality: int = 90) -> bytes:
    """An animated WebP without end, as good as LARGEST bytes allow."""
    first, *rest = (cut(one.image, height) for one in shots)
    stream = io.BytesIO()
    durations = [one.milliseconds for one in shots]
    first.save(stream, "WEBP", save_all=True, append_images=rest, duration=durations, loop=0, quality=quality, method=6)
    data = stream.getvalue()
    return data if len(data) <= LARGEST or quality < 40 else webp(shots, height, quality - 10)


def main() -> None:
    """Both themes."""
    with studio_in_chromium() as (browser, url):
        for theme, name in FILES.items():
            page = opened(browser, url, theme)
            shots = list(run(page))
            data = webp(shots, bottom(page))
            page.close()
            (FOLDER / name).write_bytes(data)
            print(f"{name}: {len(shots)} pictures, {len(data) // 1024} KiB")


if __name__ == "__main__":
    main()
