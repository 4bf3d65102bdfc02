"""Which event of the page calls which handler."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.page_actions import Actions
from studio.page_inputs import COST_FIELDS, Wishes
from studio.page_outputs import Outputs
from studio.presets import PRESET_FIELDS

_PLUMBING: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
# on a phone the stage is below the settings: bring it into view when the run starts
_SHOW_STAGE = "() => { if (innerWidth < 769) document.querySelector('#status').scrollIntoView({behavior: 'smooth'}) }"
# a disabled button ignores this click, so Enter cannot start a second run
_CLICK_RUN = "() => document.querySelector('#run').click()"
# Gradio's thumbnails are buttons without a name; those of a hidden column are there only after it was shown
_NAME_EXAMPLES = """() => setTimeout(() => document.querySelectorAll('[id^=examples-]').forEach(
    (group) => group.querySelectorAll('button').forEach(
        (button, i) => button.setAttribute('aria-label', `Example ${i + 1}`))), 500)"""


def wire_run(blocks: gr.Blocks, actions: Actions, first: gr.Image, middle: Wishes, right: Outputs) -> None:
    """Run, Stop, and what a run costs."""
    started = right.run.click(actions.begin, None, right.all, **_PLUMBING)
    right.run.click(None, js=_SHOW_STAGE, **_PLUMBING)
    running = started.then(
        actions.run,
        [first, middle.second, *middle.fields.values()],
        right.all,
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=1,
        concurrency_id="device",
    )
    # Only the run's own end may enable Run again: a click while the run is still pending would be swallowed.
    ended = running.then(actions.end, None, [right.run, right.stop], **_PLUMBING)
    # Never `cancels=`: it gives the queue's slot away while the solver still works.
    right.stop.click(actions.halt, None, right.stop, **_PLUMBING)
    middle.prompt.submit(None, js=_CLICK_RUN, **_PLUMBING)
    costs = [middle.fields[name] for name in COST_FIELDS]
    gr.on([blocks.load, *(field.change for field in costs)], actions.forecast, costs, middle.cost, **_PLUMBING)
    ended.then(actions.forecast, costs, middle.cost, **_PLUMBING)


def wire_inputs(blocks: gr.Blocks, actions: Actions, first: gr.Image, middle: Wishes, right: Outputs) -> None:
    """Everything before Run."""
    fields = list(middle.fields.values())
    first.change(actions.look, first, [right.message, right.live], **_PLUMBING)
    needs = [middle.second_box, middle.second, middle.prompt_box, middle.source_box, right.message]
    middle.goal.change(actions.choose_goal, middle.goal, needs, **_PLUMBING)
    gr.on([blocks.load, middle.goal.change], None, js=_NAME_EXAMPLES, **_PLUMBING)
    for chip in middle.chips:
        chip.click(str, chip, middle.prompt, **_PLUMBING)
    middle.preset.input(actions.choose_preset, middle.preset, fields, **_PLUMBING)
    for name in PRESET_FIELDS:  # moved by hand: it is no longer the preset
        middle.fields[name].input(lambda: None, None, middle.preset, **_PLUMBING)
    middle.dice.click(actions.roll, None, middle.fields["seed"], **_PLUMBING)
    middle.restore.upload(actions.restore, middle.restore, [*fields, middle.preset, right.message], **_PLUMBING)
