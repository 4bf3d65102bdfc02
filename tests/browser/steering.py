"""What the tests of the Steer tab do on the page, in a person's words."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

# A test may run beside others on a busy machine; where speed itself is meant, the best of some tries counts.
PATIENCE = 20_000

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
    expect(page.locator("#status")).to_contain_text(re.compile(r"Optimising: step [1-9]"), timeout=PATIENCE)


def wait_ready(page: Page, patience: float = 6 * PATIENCE) -> None:
    """Until the next run could be started."""
    expect(page.locator("#run")).to_have_text("Run", timeout=patience)
    expect(page.locator("#run")).to_be_enabled()


def finish(page: Page) -> None:
    """A run from its click to its end."""
    start(page)
    expect(page.locator("#run")).to_have_text("Running…")
    wait_ready(page)
    expect(page.locator("#status")).to_contain_text("Finished")


def put(page: Page, field: str, value: float) -> None:
    """A number into a slider's field."""
    page.fill(f"#{field} input[type=number]", str(value))
    page.press(f"#{field} input[type=number]", "Tab")


def unfold(page: Page, name: str) -> None:
    """Open what is folded away; its fields take part only once they are all there."""
    page.locator(f"#{name} button").first.click()
    page.wait_for_timeout(500)


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
    expect(page.locator("#message [role=alert]")).to_contain_text(sentence, timeout=PATIENCE)


def note(page: Page, sentence: str) -> None:
    """The good news that has to be there."""
    expect(page.locator("#message [role=status]")).to_contain_text(sentence, timeout=PATIENCE)


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
