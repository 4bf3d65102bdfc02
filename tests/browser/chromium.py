"""The browser of the tests: Chromium without a window, which loads a page in less time, or else Chromium."""

import shutil

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")


def chromium() -> str | None:
    """The path of the program; None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)
