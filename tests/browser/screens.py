"""Screenshots of every state of the page: `python -m tests.browser.screens` writes docs/screens/.

The app is started with the embedded model on a free port and driven in headless Chromium, so that the pictures in the
documentation are what a person sees. Names given on the command line choose among them.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

import app
from tests.browser.chromium import chromium
from tests.browser.conftest import QUIET
from tests.studio.images.portraits import portrait, saved

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screens"
PATIENCE = 600_000
UNTIL_DONE = "Finished"


class Screen(NamedTuple):
    """What to do on the opened page before it is taken, and how the page is opened."""

    act: Callable[[Page], None]
    theme: str = "light"
    width: int = 1440
    height: int = 900
    query: str = ""
    whole: bool = True


def start(page: Page) -> None:
    """As the page opens."""


def running(page: Page) -> None:
    """In the middle of a run, with a goal that no step satisfies, so that it lasts."""
    page.get_by_label("Text: match a prompt").check()
    page.fill("#optimisation_steps input[type=number]", "100")
    page.press("#optimisation_steps input[type=number]", "Tab")
    page.click("#run")
    expect(page.locator("#status")).to_contain_text(re.compile(r"Optimising: step (9|[1-5]\d) "), timeout=PATIENCE)


def done(page: Page) -> None:
    """After a run."""
    page.click("#run")
    expect(page.locator("#status")).to_contain_text(UNTIL_DONE, timeout=PATIENCE)
    expect(page.locator("#run")).to_have_text("Run", timeout=PATIENCE)


def error(page: Page) -> None:
    """After a mistake."""
    page.fill("#prompt textarea, #prompt input", "")
    page.click("#run")
    expect(page.locator("#message [role=alert]")).to_be_visible(timeout=PATIENCE)


def about(page: Page) -> None:
    """The last tab."""
    page.get_by_role("tab", name="About").click()
    expect(page.locator("#about-figures table").first).to_be_visible()


def job(tab: str) -> Callable[[Page], None]:
    """Another tab after its job."""
    name = tab.lower()

    def act(page: Page) -> None:
        page.get_by_role("tab", name=tab).click()
        page.click(f"#{name}-run")
        expect(page.locator(f"#{name}-status")).to_contain_text(UNTIL_DONE, timeout=PATIENCE)
        expect(page.locator(f"#{name}-run")).to_have_text(tab, timeout=PATIENCE)

    return act


def likeness(page: Page) -> None:
    """A portrait and its likeness."""
    page.get_by_role("tab", name="Likeness").click()
    with TemporaryDirectory() as folder:
        page.set_input_files("#likeness-photo input[type=file]", saved(portrait(), Path(folder)))
        page.click("#likeness-make")
        expect(page.locator("#likeness-candidates .faces button")).to_have_count(3, timeout=PATIENCE)


SCREENS: Mapping[str, Screen] = {
    "start": Screen(start),
    "start-dark": Screen(start, "dark"),
    "running": Screen(running),
    "done": Screen(done),
    "done-dark": Screen(done, "dark"),
    "error": Screen(error, whole=False),
    "morph": Screen(job("Morph")),
    "compare": Screen(job("Compare")),
    "compare-dark": Screen(job("Compare"), "dark"),
    "likeness": Screen(likeness),
    "about": Screen(about),
    "present": Screen(start, width=1920, height=1080, query="&present=1", whole=False),
    "phone": Screen(done, width=390, height=844),
    "phone-dark": Screen(start, "dark", 390, 844, whole=False),
    "phone-morph": Screen(job("Morph"), width=390, height=844),
}


def take(browser: Browser, url: str, screen: Screen) -> bytes:
    """One screenshot, as small as 256 colours make it."""
    page = browser.new_page(viewport={"width": screen.width, "height": screen.height})
    page.goto(f"{url}?__theme={screen.theme}{screen.query}")
    page.wait_for_selector("#cost p", state="attached")
    page.wait_for_timeout(1500)  # what follows the load event
    screen.act(page)
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)  # smooth scrolling, replays, pictures
    taken = Image.open(io.BytesIO(page.screenshot(full_page=screen.whole))).convert("RGB")
    page.close()
    stream = io.BytesIO()
    taken.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG).save(stream, "PNG", optimize=True)
    return stream.getvalue()


@contextmanager
def studio_in_chromium() -> Iterator[tuple[Browser, str]]:
    """A headless Chromium, and the address of the app on the embedded model."""
    path = chromium()
    if path is None:
        sys.exit("There is no chromium on this machine: .ci/chromium installs it.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    blocks = app.build()
    _, url, _ = app.launch(blocks, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser, url
        browser.close()
    blocks.close()


def main(names: list[str]) -> None:
    """Take the screens of these names, or all."""
    unknown = set(names) - set(SCREENS)
    if unknown:
        sys.exit(f"There is no screen {', '.join(sorted(unknown))}; choose from {', '.join(SCREENS)}.")
    with studio_in_chromium() as (browser, url):
        for name in names or SCREENS:
            png = take(browser, url, SCREENS[name])
            (FOLDER / f"{name}.png").write_bytes(png)
            print(f"{name}.png: {len(png) // 1024} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
