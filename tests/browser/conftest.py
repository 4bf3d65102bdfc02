"""The real app and a quick stand-in on free ports, and a real browser in front of them."""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock

import pytest

pytest.importorskip("playwright.sync_api")

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from torch import Tensor

import app
from studio.models.embedded import examples
from studio.queue.app_state import Studio
from studio.ui.page import page as build_page
from tests.browser.chromium import chromium
from tests.browser.steering import PATIENCE
from tests.stub import Network, stub

expect.set_options(timeout=PATIENCE)

# nothing here may reach out: the page has to work without a network
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session", autouse=True)
def gradio_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One folder for the pages of all modules here, because they share `address` and `served`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield


Profile = Callable[[int], BrowserContext]


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Profile]:
    """Chromium with the n-th profile of this session. Chromium keeps the scripts of the page in it, compiled: a page
    loads in two thirds of the time.
    """
    path = chromium()
    if path is None:
        reason = "no chromium on this machine: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:

        @functools.cache
        def started(number: int) -> BrowserContext:
            folder = tmp_path_factory.mktemp(f"profile-{number}")
            context = playwright.chromium.launch_persistent_context(folder, executable_path=path, args=QUIET)
            running.append(context)
            return context

        running: list[BrowserContext] = []
        yield started
        for context in running:
            context.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the app is served, with the embedded model."""
    blocks = app.build()
    _, url, _ = app.launch(blocks, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield url
    blocks.close()


class Slow(Network):
    """The stand-in's network takes a set time for a call and measures what it took on this machine.

    `overlaps` counts calls that began while another was under way, which never may.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds, self.overlaps, self._busy = 0.0, 0, Lock()
        self.calls, self.longest = 0, 0.0

    def forward(self, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        if not self._busy.acquire(blocking=False):
            self.overlaps += 1
            return super().forward(t, x, z)
        began = time.perf_counter()
        try:
            time.sleep(self.seconds)
            return super().forward(t, x, z)
        finally:
            self.calls, self.longest = self.calls + 1, max(self.longest, time.perf_counter() - began)
            self._busy.release()


@dataclass
class Served:
    """A page on the stand-in: where it is, and its network."""

    url: str
    network: Slow
    usual: float = 0.015


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    network = Slow().eval().requires_grad_(False)
    studio = Studio(dataclasses.replace(stub(), network=network))
    studio.warm_up(examples()[0])
    blocks = build_page(studio, examples())
    _, url, _ = app.launch(blocks, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield Served(url, network)
    blocks.close()


@pytest.fixture
def stand_in(served: Served) -> Served:
    """The stand-in at its usual speed, and without overlaps so far."""
    served.network.seconds, served.network.overlaps = served.usual, 0
    return served


@pytest.fixture
def quick_stand_in(stand_in: Served) -> Served:
    """The stand-in as fast as it is, for runs of which only the end matters."""
    stand_in.network.seconds = 0.0
    return stand_in


Visit = Callable[..., Page]
BlankTab = Callable[[int], Page]


@pytest.fixture(scope="session")
def blank_tab(profile: Profile) -> BlankTab:
    """The n-th tab of the browser, an empty page. The tests have it one after the other: in a tab that has shown the
    page before, it loads in two thirds of the time.
    """
    tabs: dict[int, Page] = {}

    def blank(number: int) -> Page:
        if number not in tabs or tabs[number].is_closed():
            # Chromium has six connections to a server for each profile; a page holds one, and one more during a run
            tabs[number] = profile(number // 2).new_page()
            tabs[number].set_default_timeout(PATIENCE)
        return tabs[number]

    return blank


@pytest.fixture
def open_page(blank_tab: BlankTab) -> Iterator[Visit]:
    """Opens an address: open_page(address, width, height, theme, **query). Any script error on it fails the test."""
    pages: list[Page] = []
    errors: list[str] = []

    def note(error: object) -> None:
        errors.append(str(error))

    def go(where: str, width: int = 1440, height: int = 900, theme: str = "light", **query: str) -> Page:
        page = blank_tab(len(pages))
        page.set_viewport_size({"width": width, "height": height})
        page.on("pageerror", note)
        asked = "".join(f"&{name}={value}" for name, value in query.items())
        page.goto(f"{where}?__theme={theme}{asked}")
        pages.append(page)
        page.wait_for_selector("#run")
        page.wait_for_selector("#cost p", state="attached")  # the load event's answer: everything is wired
        return page

    yield go
    for page in pages:
        if not page.is_closed():
            page.unroute_all(behavior="ignoreErrors")
            page.goto("about:blank")
            page.remove_listener("pageerror", note)
    assert errors == []


@pytest.fixture
def visit(open_page: Visit, address: str) -> Visit:
    """Opens the app with the embedded model."""
    return lambda *args, **more: open_page(address, *args, **more)


@pytest.fixture
def visit_stand_in(open_page: Visit, stand_in: Served) -> Visit:
    """Opens the page on the stand-in, which answers in seconds."""
    return lambda *args, **more: open_page(stand_in.url, *args, **more)
