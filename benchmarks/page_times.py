"""How long a visitor of the page waits, in a real browser, with the embedded model.

    python -m benchmarks.page_times                          20 clicks on prompts at 64 and at 128 pixels
    python -m benchmarks.page_times --size 64 --clicks 3

Every click is on a page of its own, with another face or another prompt. Seconds:

    first paint       from the first byte of the server's answer until the browser has painted content
    page ready        until everything on the page can be used
    first change      from the click until the first picture after an update is drawn
    goal reached      from the click until the first picture is drawn that meets the goal by the rule that stops the run
    run finished      from the click until Run can be pressed again

Clicks on faces that meet the goal already are not counted. Times are those of the browser's clock; server and browser
share the machine.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

import app
from studio.core.goals import PROMPTS
from studio.models.embedded import embedded, examples
from studio.models.holder import Holder
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.measures.history import RunHistory

SIZES = (64, 128)
PATIENCE = 600_000
"""Milliseconds that anything may take."""
FIRST_PAINT, READY, CHANGED, REACHED, FINISHED = (
    "first paint", "page ready", "first change", "goal reached", "run finished"
)  # fmt: skip
ROWS = (FIRST_PAINT, READY, CHANGED, REACHED, FINISHED)
_STEP = re.compile(r"(?:step|frames) (\d+)")
_WATCH = """() => {
  window.drawn = [];
  document.addEventListener('click', () => { window.clicked = performance.now(); }, {once: true, capture: true});
  const live = document.querySelector('#live [data-shown]');
  new MutationObserver(() => { if (window.clicked) drawn.push([live.dataset.shown, performance.now() - clicked]); })
    .observe(live, {attributes: true});
}"""
_LOADED = """() => {
  const answer = performance.getEntriesByType('navigation')[0].responseStart;
  const paint = performance.getEntriesByName('first-contentful-paint')[0].startTime;
  return [paint - answer, performance.now() - answer];
}"""
_ENDED = """() => window.clicked && !document.querySelector('#run').disabled
  && document.querySelector('#live .scrub:not([disabled])') && performance.now() - window.clicked"""

Drawn = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Click:
    """One click: seconds by the names of `ROWS`, and whether the held-out networks confirm the result."""

    seconds: Mapping[str, float]
    confirmed: bool


def drawn_after(drawn: Drawn, step: int) -> float | None:
    """When the first picture of this step or of a later one was drawn; None if none was.

    Args:
        drawn: what the live picture showed, and when, in order.
        step: of the optimisation.
    """
    for shown, at in drawn:
        found = _STEP.match(shown)
        if found and int(found[1]) >= step:
            return at
    return None


def first_met(outcome: Outcome) -> int | None:
    """The first step at which the goal counts as met; None if none does."""
    history = RunHistory(outcome.settings.goal.reached)
    return next((point.step for point in outcome.curve if history.met(point)), None)


def table(clicks: Mapping[int, Sequence[Click]]) -> str:
    """A Markdown table of medians and largest values, by the pictures' size."""
    lines = ["| size | clicks | what | median, s | largest, s |", "|---|---|---|---|---|"]
    for size, found in clicks.items():
        for name in ROWS:
            seconds = [one.seconds[name] for one in found if name in one.seconds]
            values = f"{median(seconds):.2f} | {max(seconds):.2f}" if seconds else "- | -"
            lines.append(f"| {size} px | {len(seconds)} | {name} | {values} |")
        confirmed = sum(one.confirmed for one in found)
        lines.append(f"| {size} px | {len(found)} | confirmed by held-out networks | {confirmed} | |")
    return "\n".join(lines)


def measure(browser: Browser, url: str, outcomes: list[Outcome], clicks: int) -> Iterator[Click]:
    """So many clicks.

    Args:
        browser: the browser.
        url: address of the studio.
        outcomes: to which the studio appends the end of each run.
        clicks: to make.
    """
    pairs = itertools.product(PROMPTS, examples())
    made = (one for prompt, face in pairs if (one := _click(browser, url, outcomes, face, prompt)) is not None)
    yield from itertools.islice(made, clicks)


def _click(browser: Browser, url: str, outcomes: list[Outcome], face: Path, prompt: str) -> Click | None:
    """One click on a page of its own; None where the face meets the goal already."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE)
    try:
        page.goto(f"{url}?image={face.stem}")
        page.wait_for_selector("#cost p", state="attached")
        paint, ready = page.evaluate(_LOADED)
        page.wait_for_function("document.querySelector('#live [data-shown]')?.dataset.shown.startsWith('model input')")
        page.evaluate(_WATCH)
        page.get_by_role("button", name=prompt, exact=True).click()
        finished, drawn = page.wait_for_function(_ENDED).json_value(), _drawn(page)
    finally:
        page.close()
    outcome = outcomes[-1]
    met = first_met(outcome)
    if met == 0:
        return None
    changed, reached = drawn_after(drawn, 1), None if met is None else drawn_after(drawn, met)
    found = dict(zip(ROWS, (paint, ready, changed, reached, finished), strict=True))
    seconds = {name: value / 1000 for name, value in found.items() if value is not None}
    return Click(seconds, outcome.verdict is not None and outcome.verdict.reached == "yes")


def _drawn(page: Page) -> Drawn:
    return [(str(shown), float(at)) for shown, at in page.evaluate("window.drawn")]


def _recorded(outcomes: list[Outcome]) -> Callable[[Any], Any]:
    """A wrapper for `Studio.stream` that keeps the end of every run."""

    def wrapper(stream: Any) -> Any:
        @wraps(stream)
        def watched(*given: Any) -> Iterator[Any]:
            for event in stream(*given):
                if isinstance(event, Outcome):
                    outcomes.append(event)
                yield event

        return watched

    return wrapper


def _measured_at(size: int, clicks: int, chromium: str) -> list[Click]:
    """So many clicks on a studio whose model has pictures of this size."""
    outcomes: list[Outcome] = []

    def load(_: str) -> Model:
        return embedded(size=size)

    blocks = app.build(models=Holder(load, ("embedded",)), on_device=_recorded(outcomes))
    _, url, _ = app.launch(blocks, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        found = list(measure(browser, url, outcomes, clicks))
        browser.close()
    blocks.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.page_times",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", type=int, nargs="+", choices=SIZES, default=SIZES, help="of the pictures, in pixels")
    parser.add_argument("--clicks", type=int, default=20, help="to count, at each size")
    options = parser.parse_args()
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    chromium = next((path for name in names if (path := shutil.which(name))), None)
    if chromium is None:
        sys.exit("There is no chromium on this machine: .ci/chromium installs it.")
    clicks: dict[int, list[Click]] = {}
    for size in options.size:
        clicks[size] = _measured_at(size, options.clicks, chromium)
    print(f"{os.cpu_count()} cores\n\n{table(clicks)}")


if __name__ == "__main__":
    main()
