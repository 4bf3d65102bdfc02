"""What axe-core finds on a page."""

from __future__ import annotations

from importlib import resources
from importlib.util import find_spec
from typing import Any

from playwright.sync_api import Page

THERE = find_spec("axe_playwright_python") is not None


def faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical by WCAG 2.2 A and AA, one line a node."""
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    rules = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found: dict[str, Any] = page.evaluate("(rules) => axe.run(document, {runOnly: rules})", rules)
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
