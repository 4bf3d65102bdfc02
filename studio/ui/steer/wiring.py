"""Which event of the Steer tab calls which handler."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.core.goals import SUITED_FIELDS
from studio.core.presets import PRESET_FIELDS
from studio.ui.downloads import DOWNLOAD
from studio.ui.fields import NAME_EXAMPLES
from studio.ui.steer.actions import Actions
from studio.ui.steer.faces import FacePanel, FaceSearch
from studio.ui.steer.inputs import COST_FIELDS, FIRST_CROP, NEED_FIELDS, SECOND_CROP
from studio.ui.steer.responses import Answers
from studio.ui.steer.restore import Recall

# So many may wait in our own line, which tells everybody their place; Gradio's queue would not.
IN_LINE = 20
_PLUMBING: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
_STREAM: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# on a phone the stage is below the settings: bring it into view when the run starts
_SHOW_STAGE = "() => { if (innerWidth < 769) document.querySelector('#status').scrollIntoView({behavior: 'smooth'}) }"
# a disabled button ignores this click, so Enter cannot start a second run
_CLICK_RUN = "() => document.querySelector('#run').click()"
# Ctrl+Enter runs and Escape stops, wherever one is on this tab; a disabled button ignores both
_SHORTCUTS = """() => document.addEventListener('keydown', (event) => {
  const run = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
  const button = document.querySelector(run ? '#run' : event.key === 'Escape' ? '#stop' : '#none');
  if (button && button.offsetParent && !document.fullscreenElement) button.click();
})"""
_FULL_LINK = """(query) => {
  if (!query || query.startsWith('http')) return query;
  const link = `${location.origin}${location.pathname}?${query}`;
  navigator.clipboard?.writeText(link).catch(() => {});
  return link;
}"""


def wire_run(blocks: gr.Blocks, actions: Actions, answers: Answers) -> None:
    """Run, Stop, and what a run costs."""
    form, outputs = actions.form, actions.outputs
    started = outputs.run.click(actions.begin, None, outputs.all, **_PLUMBING)
    outputs.run.click(None, js=_SHOW_STAGE, **_PLUMBING)
    pictures = [form.start.image, form.wishes.second]
    running = started.then(
        actions.run,
        [*pictures, outputs.runs, *form.fields.values()],
        outputs.all,
        concurrency_limit=IN_LINE,
        **_STREAM,
    )
    # Only the run's own end may enable Run again: a click while the run is still pending would be swallowed.
    ended = running.then(actions.end, None, [outputs.run, outputs.stop], **_PLUMBING)
    # Never `cancels=`: it gives the queue's slot away while the solver still works.
    outputs.stop.click(actions.halt, None, outputs.stop, **_PLUMBING)
    form.wishes.prompt.submit(None, js=_CLICK_RUN, **_PLUMBING)
    blocks.load(None, js=_SHORTCUTS, **_PLUMBING)
    costs = [form.fields[name] for name in COST_FIELDS]
    told = form.wishes.cost
    gr.on([blocks.load, *(field.change for field in costs)], answers.forecast, costs, told, **_PLUMBING)
    ended.then(answers.forecast, costs, told, **_PLUMBING)


def wire_inputs(blocks: gr.Blocks, answers: Answers) -> None:
    """Everything before Run."""
    form, outputs, fields = answers.form, answers.outputs, answers.form.fields
    wishes, image = form.wishes, form.start.image
    crop = [fields[name] for name in FIRST_CROP]
    # by hand only: a recorded run that brings its picture also brings what is shown large
    looks = [image.upload, image.input, image.clear, *(field.input for field in crop)]
    looked = [outputs.message, outputs.live, form.start.outside]
    gr.on(looks, answers.look, [image, *crop], looked, trigger_mode="always_last", **_PLUMBING)
    for done in _wire_faces(image, answers.first, form.start.faces, crop):
        done.then(answers.look, [image, *crop], looked, **_PLUMBING)
    changes = [blocks.load, image.change, *(field.change for field in crop)]
    gr.on(changes, answers.preview, [image, *crop], form.start.seen, trigger_mode="always_last", **_PLUMBING)
    said = [*form.start.faces.parts, form.start.outside]
    form.start.recorded.pick(answers.leave_photo, None, said, **_PLUMBING)
    crop = [fields[name] for name in SECOND_CROP]
    looks = [wishes.second.change, *(field.input for field in crop)]
    seen = [wishes.second_seen, outputs.message]
    gr.on(looks, answers.look_at_second, [wishes.second, *crop], seen, trigger_mode="always_last", **_PLUMBING)
    for done in _wire_faces(wishes.second, answers.second, wishes.second_faces, crop):
        done.then(answers.look_at_second, [wishes.second, *crop], seen, **_PLUMBING)
    needs = [fields[name] for name in NEED_FIELDS]
    gr.on([field.input for field in needs], answers.choose_goal, needs, [*wishes.boxes, outputs.message], **_PLUMBING)
    # by hand only: what is recalled or linked brings its own
    fields["loss"].input(answers.suit, fields["loss"], [fields[name] for name in SUITED_FIELDS], **_PLUMBING)
    gr.on([blocks.load, fields["loss"].change], None, js=NAME_EXAMPLES, **_PLUMBING)
    for chip in wishes.chips:
        chip.click(str, chip, fields["prompt"], **_PLUMBING)
    moved = [fields[name] for name in PRESET_FIELDS]
    wishes.preset.input(answers.choose_preset, wishes.preset, moved, **_PLUMBING)
    for field in moved:  # moved by hand: it is no longer the preset
        field.input(lambda: None, None, wishes.preset, **_PLUMBING)
    texts = [fields["prompt"], fields["source_text"]]
    changes = [field.change for field in texts]
    gr.on(changes, answers.read, texts, wishes.read, trigger_mode="always_last", **_PLUMBING)
    fields["mode"].change(answers.choose_mode, fields["mode"], fields["order"], **_PLUMBING)
    wishes.dice.click(answers.roll, None, fields["seed"], **_PLUMBING)
    wishes.again.click(answers.last_seed, outputs.shown, fields["seed"], **_PLUMBING)


def _wire_faces(image: gr.Image, search: FaceSearch, panel: FacePanel, crop: Sequence[Block]) -> list[Any]:
    """Look for faces in what is brought by hand, and follow the choice; the events after which the crop is another."""
    # "input" also tells of uploads and removals; with their own events every search would be made twice
    inputs = [image, panel.sought, *crop]
    found = image.input(search.find, inputs, search.outputs, trigger_mode="always_last", **_PLUMBING)
    return [
        found,
        panel.shown.pick(search.pick, panel.sought, search.outputs, **_PLUMBING),
        panel.shown.undo(search.undo, panel.sought, search.outputs, **_PLUMBING),
    ]


def wire_recall(blocks: gr.Blocks, recall: Recall) -> None:
    """Everything after a run, and everything that brings one back."""
    form, outputs, keeping = recall.form, recall.outputs, recall.keeping
    fields, image = list(form.fields.values()), form.start.image
    filled = [*fields, *form.wishes.boxes, form.wishes.preset]
    replayed = form.start.recorded.pick(recall.replay, None, [image, *filled, *outputs.result], **_PLUMBING)
    taken = [*filled, outputs.message]
    form.wishes.restore.upload(recall.restore, form.wishes.restore, [*taken, form.wishes.restore], **_PLUMBING)
    blocks.load(recall.follow, None, [*taken, image], **_PLUMBING)
    outputs.visit.again(recall.again, outputs.runs, taken, **_PLUMBING)
    keeping.link.click(recall.link, [image, *fields], [keeping.address, outputs.message], **_PLUMBING).then(
        None, keeping.address, keeping.address, js=_FULL_LINK, **_PLUMBING
    )
    for kind, button in keeping.saves.items():
        made = button.click(
            partial(recall.save, kind),
            [keeping.inside, keeping.mark, outputs.shown],
            [keeping.file, outputs.message],
            **_STREAM,
        )
        made.then(None, keeping.file, None, js=DOWNLOAD, **_PLUMBING)
    how = [keeping.inside, keeping.mark, outputs.shown, outputs.photo]
    made = keeping.photo.click(recall.save_photo, how, [keeping.file, outputs.message], **_STREAM)
    made.then(None, keeping.file, None, js=DOWNLOAD, **_PLUMBING)
    # a state that changes tells so only where its event went through the queue
    for changed in (outputs.photo.change, replayed.then):
        changed(recall.offer_photo, outputs.photo, keeping.photo, **_PLUMBING)
