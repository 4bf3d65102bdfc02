"""What axe-core finds on a page."""

from __future__ import annotations

from importlib import resources
from importlib.util import find_spec
from typing import Any

from playwright.sync_api import Page

THERE = find_spec("axe_playwright_python") is not None


def faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical by WCAG 2.2 A and AA, one line a node."""
    if not page.evaluate("'axe' in window"):  # compiled already on a page that was looked at before
        page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    rules = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    # all that passed is a megabyte
    found: list[Any] = page.evaluate("(options) => axe.run(document, options).then((all) => all.violations)", options)
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
