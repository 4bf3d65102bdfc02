"""The real app on a free port, and a real browser in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, Page, sync_playwright

import app

# nothing here may reach out: the page has to work without a network
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        reason = "no chromium on this machine: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the app is served, with the embedded model."""
    blocks = app.build()
    _, url, _ = app.launch(blocks, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield url
    blocks.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Visit]:
    """Opens the page: visit(width, height, theme). Any script error on it fails the test."""
    pages: list[Page] = []
    errors: list[str] = []

    def open_page(width: int = 1440, height: int = 900, theme: str = "light") -> Page:
        page = chromium.new_page(viewport={"width": width, "height": height}, accept_downloads=True)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}?__theme={theme}")
        page.wait_for_selector("#run")
        page.wait_for_selector("#cost p")  # the load event's answer: everything is wired
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert errors == []


@pytest.fixture
def screens(tmp_path: Path) -> Path:
    """Where screenshots go: STUDIO_SCREENS if set, else pytest's own folder."""
    folder = Path(os.environ.get("STUDIO_SCREENS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
