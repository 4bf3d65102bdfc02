"""What the tests of the Steer tab do on the page, in a person's words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from studio.core.goals import PROMPTS

PATIENCE = 60_000
"""Milliseconds that anything may take to appear, `expect`'s default here: a busy machine is no fault of the page."""
RUN = 3 * PATIENCE
"""The same for the end of a run."""

_WATCH_STILLNESS = """() => {
  window.quiet_frames = 0;
  window.stirring?.disconnect();
  window.stirring = new MutationObserver(() => { window.quiet_frames = 0 });
  window.stirring.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
  const ends = (one) => one.playState === 'running' && isFinite(one.effect.getComputedTiming().endTime);
  let place = '';
  const look = () => {
    const here = [scrollX, scrollY, document.documentElement.scrollHeight].join();
    window.quiet_frames = here === place && !document.getAnimations().some(ends) ? window.quiet_frames + 1 : 0;
    place = here;
    if (window.quiet_frames < FRAMES) requestAnimationFrame(look);
    else window.stirring.disconnect();
  };
  look();
}""".replace("FRAMES", "20")

_NOTE_BEGINNING = """(job) => {
  const text = (name) => document.querySelector(`#${job}${name}`)?.textContent;
  const before = text('status');
  window.begun = false;
  window.noting?.disconnect();
  window.noting = new MutationObserver(() => {
    if (text('run') === 'Running…' || text('status') !== before) window.begun = true;
  });
  window.noting.observe(document.body, {subtree: true, childList: true, characterData: true});
}"""

_PRESS = """([button, done]) => {
  const is_done = new Function(`return ${done}`), began = performance.now();
  window.took = undefined;
  const look = () => { if (is_done()) window.took = performance.now() - began; else requestAnimationFrame(look); };
  document.querySelector(button).click();
  look();
}"""

PROMPT_BOX = "document.querySelector('#prompt textarea, #prompt input')"

RECORDER = """() => {
  window.frames_seen = [];
  window.shifts = 0;
  const clicked = () => { window.clicked_at = performance.now() };
  document.querySelector('#run').addEventListener('click', clicked, {once: true});
  const live = document.querySelector('#live [data-shown]');
  let last = live.dataset.drawn;
  window.watching?.disconnect();
  window.watching = new MutationObserver(() => {
    if (live.dataset.drawn === last) return;
    last = live.dataset.drawn;
    if (live.dataset.shown.startsWith('model input')) return; // shown until the run's first frame
    window.frames_seen.push({at: performance.now(), shown: live.dataset.shown});
  });
  window.watching.observe(live, {attributes: true});
  window.shifting?.disconnect();
  const add = (list) => list.getEntries().forEach((one) => { window.shifts += one.value });
  window.shifting = new PerformanceObserver(add);
  window.shifting.observe({type: 'layout-shift'});
}"""


def start(page: Page) -> float:
    """Press Run, with every frame and every layout shift recorded from then on; the time of the click."""
    page.wait_for_selector("#live [data-shown]")
    page.evaluate(RECORDER)
    page.click("#run")
    return float(page.evaluate("window.clicked_at"))


def wait_moving(page: Page) -> None:
    """Until some steps of a run were taken."""
    expect(page.locator("#status")).to_contain_text(re.compile(r"Optimising: step ([2-9]|\d\d)"))


def still(page: Page) -> None:
    """Until nothing on the page has changed, scrolled or moved for some frames: folds are open, tabs are drawn."""
    page.evaluate(_WATCH_STILLNESS)
    page.wait_for_function("window.quiet_frames >= 20")


def wait_ready(page: Page, patience: float = RUN) -> None:
    """Until the next run could be started."""
    expect(page.locator("#run")).to_have_text("Run", timeout=patience)
    expect(page.locator("#run")).to_be_enabled()


def begin(page: Page, act: Callable[[], object], job: str = "") -> None:
    """Do what starts a run, and wait until the page has said so, also if the run is over by then."""
    page.evaluate(_NOTE_BEGINNING, job)
    act()
    page.wait_for_function("window.begun")


def seconds_until(page: Page, button: str, done: str) -> float:
    """From a click until an expression of the page is true, by the page's own clock."""
    page.evaluate(_PRESS, [button, done])
    page.wait_for_function("window.took !== undefined")
    return float(page.evaluate("window.took")) / 1000


_NO_RUN = """() => {
  window.kept_from_running = false;
  const hold = (event) => {
    if (!event.target.closest('#run, #further')) return;
    event.stopImmediatePropagation();
    window.kept_from_running = true;
    document.removeEventListener('click', hold, true);
  };
  document.addEventListener('click', hold, true);
}"""


def trip(page: Page) -> float:
    """Seconds of the least that the page asks of its server, a suggested prompt: how busy the machine is just now.

    The prompt's run is kept from starting.
    """
    took = []
    for words in PROMPTS[1:3]:
        if prompt(page) == words:
            continue
        button = f".chips button:nth-of-type({1 + PROMPTS.index(words)})"
        page.evaluate(_NO_RUN)
        took.append(seconds_until(page, button, f"{PROMPT_BOX}.value === {json.dumps(words)}"))
        page.wait_for_function("window.kept_from_running")
    return max(took)


def finish(page: Page) -> None:
    """A run from its click to its end."""
    begin(page, lambda: start(page))
    expect(page.locator("#status")).to_contain_text("Finished", timeout=RUN)
    wait_ready(page)


def put(page: Page, field: str, value: float) -> None:
    """A number into a slider's field."""
    page.fill(f"#{field} input[type=number]", str(value))
    page.press(f"#{field} input[type=number]", "Tab")


def unfold(page: Page, name: str) -> None:
    """Open what is folded away; its fields take part only once they are all there."""
    page.locator(f"#{name} button").first.click()
    expect(page.locator(f"#{name} .block")).not_to_have_count(0)
    still(page)


def put_more(page: Page, field: str, value: float) -> None:
    """A slider that is folded away."""
    if not page.locator(f"#{field}").is_visible():
        unfold(page, "more")
    put(page, field, value)


def number(page: Page, field: str) -> float:
    """What a slider's field holds."""
    return float(page.input_value(f"#{field} input[type=number]"))


def few_steps(page: Page, steps: int = 1) -> None:
    """Make runs short."""
    put(page, "optimisation_steps", steps)


def prompt(page: Page) -> str:
    """What the prompt says."""
    return page.input_value("#prompt textarea, #prompt input")


def write(page: Page, words: str) -> None:
    """Another prompt."""
    page.fill("#prompt textarea, #prompt input", words)


def message(page: Page, sentence: str) -> None:
    """The alert that has to be there."""
    expect(page.locator("#message [role=alert]")).to_contain_text(sentence)


def note(page: Page, sentence: str) -> None:
    """The good news that has to be there."""
    expect(page.locator("#message [role=status]")).to_contain_text(sentence)


def shown(page: Page) -> str:
    """What the large picture says it is."""
    return str(page.get_attribute("#live [data-shown]", "data-shown"))


def drop(page: Page, path: Path) -> None:
    """Drop a file where settings are taken from files."""
    data = page.evaluate_handle(
        """([name, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], name));
          return data;
        }""",
        [path.name, list(path.read_bytes())],
    )
    page.dispatch_event("#restore .upload-container", "drop", {"dataTransfer": data})
