"""Which event of the Steer tab calls which handler."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.core.goals import SUITED_FIELDS
from studio.core.presets import PRESET_FIELDS
from studio.queue.app_state import Studio
from studio.queue.cancel import CancelTokens
from studio.queue.device import CONCURRENT_RUNS
from studio.ui.downloads import wire_save
from studio.ui.events import LATEST, QUEUED, QUICK, settled
from studio.ui.fields import NAME_EXAMPLES
from studio.ui.job import Fresh, Work, wire_job
from studio.ui.steer.faces import FacePanel, FaceSearch
from studio.ui.steer.further import ChainHandlers
from studio.ui.steer.inputs import COST_FIELDS, FIRST_CROP, NEED_FIELDS, SECOND_CROP
from studio.ui.steer.outputs import Downloads
from studio.ui.steer.responses import InputHandlers
from studio.ui.steer.restore import RestoreHandlers

# a disabled button ignores this click, so Enter cannot start a second run; after an edit the next one goes on from it
_CLICK_RUN = "() => (document.querySelector('#further') ?? document.querySelector('#run')).click()"
# a prompt chosen by hand starts a run of a model whose runs take seconds
_CLICK_QUICK = f"() => document.querySelector('#model-line [data-quick]') && ({_CLICK_RUN})()"
# Ctrl+Enter runs and Escape stops, wherever the focus is on this tab; a disabled button ignores both
_SHORTCUTS = """() => document.addEventListener('keydown', (event) => {
  const run = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
  const button = document.querySelector(run ? '#run' : event.key === 'Escape' ? '#stop' : '#none');
  if (button && button.offsetParent && !document.fullscreenElement) button.click();
})"""
# the server has only the link's query; the clipboard is refused on a page without https, and then the field has it
_FULL_LINK = """async (query) => {
  if (!query) return [query, ''];
  const link = `${location.origin}${location.pathname}?${query}`, button = document.querySelector('#link');
  const copied = await (navigator.clipboard?.writeText(link).then(() => true, () => false) ?? false);
  button.dataset.said = copied ? 'Copied' : 'Copy it from the field';
  setTimeout(() => delete button.dataset.said, 3000);
  return [link, copied ? 'The link was copied.' : 'The link is in the field below: copy it from there.'];
}"""
_ADDRESSED = "(lines) => lines && lines.replace('ADDRESS', location.origin + location.pathname.replace(/\\/$/, ''))"


def wire_run(blocks: gr.Blocks, cancel_tokens: CancelTokens, work: Work, fresh: Fresh, handlers: InputHandlers) -> None:
    """Run, Stop, and the expected cost of a run."""
    form, outputs = handlers.form, handlers.outputs
    inputs = [form.start.image, form.goal.second, outputs.runs, form.goal.live, *form.fields.values()]
    ended = wire_job(outputs.job, cancel_tokens, work, fresh, inputs, outputs.all)
    form.goal.prompt.submit(None, js=_CLICK_RUN, **QUICK)
    blocks.load(None, js=_SHORTCUTS, **QUICK)
    costs = [form.fields[name] for name in COST_FIELDS]
    shown = form.goal.cost
    gr.on([blocks.load, *(field.change for field in costs)], handlers.forecast, costs, shown, **LATEST)
    ended.then(handlers.forecast, costs, shown, **LATEST)


def wire_others(
    cancel_tokens: CancelTokens,
    resume: Work,
    further: Work,
    reconstruct: Work,
    fresh: Fresh,
    handlers: InputHandlers,
) -> None:
    """Resume, “Edit further”, and the reconstruction of the picture."""
    form, outputs = handlers.form, handlers.outputs
    kept = [outputs.kept, outputs.shown, outputs.runs, form.start.image, outputs.chain.edits]
    # the panels show the run that goes on
    wire_job(outputs.job, cancel_tokens, resume, lambda *values: {}, kept, outputs.all, outputs.resume)
    inputs = [form.start.image, form.goal.second, outputs.runs, form.goal.live, *form.fields.values()]
    wire_job(outputs.job, cancel_tokens, reconstruct, fresh, inputs, outputs.all, form.start.reconstruct)
    edits, button = [outputs.chain.edits, *inputs], outputs.chain.further
    wire_job(outputs.job, cancel_tokens, further, lambda *values: {}, edits, outputs.all, button)


def wire_chain(handlers: InputHandlers, chain: ChainHandlers) -> None:
    """Undo, and the strength."""
    form, outputs = handlers.form, handlers.outputs
    parts, crop = outputs.chain, [form.fields[name] for name in FIRST_CROP]
    parts.undo.click(chain.undo, [parts.edits, form.start.image, *crop], outputs.result, **QUICK)
    inputs = [parts.strength, parts.edits, form.start.image]
    parts.strength.input(
        chain.set_strength,
        inputs,
        outputs.result,
        concurrency_limit=CONCURRENT_RUNS,
        trigger_mode="always_last",
        **QUEUED,
    )


def wire_inputs(blocks: gr.Blocks, handlers: InputHandlers) -> list[Any]:
    """The inputs of a run; returns the events after which the picture to change may be another one."""
    changes = _wire_start(blocks, handlers)
    _wire_second(handlers)
    _wire_area(blocks, handlers)
    _wire_goal(blocks, handlers)
    return changes


def _wire_start(blocks: gr.Blocks, handlers: InputHandlers) -> list[Any]:
    form, outputs = handlers.form, handlers.outputs
    image, crop = form.start.image, [form.fields[name] for name in FIRST_CROP]
    # changes by hand only: a recorded run sets the picture and also what the live view shows
    looked = [*outputs.result, form.start.outside]
    moved = [field.input for field in crop]
    seen = [outputs.shown, image, *crop]
    gr.on(moved, handlers.look, seen, looked, **LATEST)
    settled(image.input, image.clear).then(handlers.look, seen, looked, **LATEST)
    # a likeness is offered after the search for faces, which sets the crop of the picture that it would replace
    searched = _wire_faces(image, handlers.first, form.start.faces, crop)
    shown = [done.then(handlers.look, seen, looked, **LATEST) for done in [*form.start.chosen, *searched]]
    changes = [blocks.load, image.change, *(field.change for field in crop)]
    gr.on(changes, handlers.preview, [image, *crop], form.start.seen, **LATEST)
    offer = form.start.offer
    form.start.recorded.pick(handlers.leave_photo, None, [*form.start.faces.parts, form.start.outside], **QUICK)
    form.start.recorded.pick(offer.hidden, None, offer.parts, **QUICK)
    return shown


def _wire_area(blocks: gr.Blocks, handlers: InputHandlers) -> None:
    form = handlers.form
    area, image, crop = form.goal.area, form.start.image, [form.fields[name] for name in FIRST_CROP]
    area.parts.input(handlers.area.choose, area.parts, area.where, **LATEST)
    area.brush.paint(handlers.area.paint, None, area.painted, **LATEST)
    changes = [blocks.load, image.change, area.where.change, area.painted.change, *(field.change for field in crop)]
    shown = [image, area.where, area.painted, *crop]
    gr.on(changes, handlers.area.show, shown, area.all, **LATEST)


def _wire_second(handlers: InputHandlers) -> None:
    goal, crop = handlers.form.goal, [handlers.form.fields[name] for name in SECOND_CROP]
    looks = [goal.second.change, *(field.input for field in crop)]
    seen = [goal.second_seen, goal.second_note, handlers.outputs.message]
    gr.on(looks, handlers.look_at_second, [goal.second, *crop], seen, **LATEST)
    for done in _wire_faces(goal.second, handlers.second, goal.second_faces, crop):
        done.then(handlers.look_at_second, [goal.second, *crop], seen, **LATEST)


def _wire_goal(blocks: gr.Blocks, handlers: InputHandlers) -> None:
    goal, outputs, fields = handlers.form.goal, handlers.outputs, handlers.form.fields
    needs = [fields[name] for name in NEED_FIELDS]
    chosen = [goal.second, *needs]
    shown = [*goal.boxes, outputs.message]
    found = [handlers.form.start.faces.found, goal.second_faces.found]
    gr.on([field.input for field in needs], handlers.choose_goal, chosen, shown, **LATEST).then(
        handlers.look_for_faces, [fields["loss"], goal.second, *found], outputs.message, **LATEST
    )
    # by hand only: restored settings and links bring their own values
    fields["loss"].input(handlers.suit, fields["loss"], [fields[name] for name in SUITED_FIELDS], **LATEST)
    gr.on([blocks.load, fields["loss"].change], None, js=NAME_EXAMPLES, **QUICK)
    for chip in goal.chips:
        filled = chip.click(None, chip, fields["prompt"], js="(text) => text", **QUICK)
        filled.then(None, js=_CLICK_QUICK, **QUICK)
    goal.keep.input(handlers.free, goal.keep, fields["may_change"], **LATEST)
    fields["may_change"].change(handlers.kept, fields["may_change"], goal.keep, **QUICK)
    moved = [fields[name] for name in PRESET_FIELDS]
    goal.preset.input(handlers.choose_preset, goal.preset, [*moved, goal.paper], **LATEST)
    of_paper = [*moved, fields["variables"], fields["gradient"]]
    goal.paper.input(handlers.choose_paper, goal.paper, [*of_paper, goal.preset, outputs.message], **LATEST)
    # moved by hand: no longer the preset, or the run of the paper
    gr.on([field.input for field in moved], lambda: None, None, goal.preset, **QUICK)
    gr.on([field.input for field in of_paper], lambda: "", None, goal.paper, **QUICK)
    texts = [fields["prompt"], fields["source_text"]]
    changes = [field.change for field in texts]
    gr.on(changes, handlers.read, texts, goal.read, **LATEST)
    fields["mode"].change(handlers.choose_mode, fields["mode"], fields["order"], **QUICK)
    goal.dice.click(handlers.roll, None, fields["seed"], **QUICK)
    goal.again.click(handlers.last_seed, outputs.shown, fields["seed"], **QUICK)


def _wire_faces(image: gr.Image, search: FaceSearch, panel: FacePanel, crop: Sequence[Block]) -> list[Any]:
    """Find faces in a picture chosen by hand, and crop to the chosen one; returns the events that change the crop."""
    # "input" includes uploads and removals; with their own events every search would run twice
    inputs = [image, panel.found, *crop]
    found = image.input(search.find, inputs, search.outputs, **LATEST)
    return [
        found,
        panel.shown.pick(search.pick, panel.found, search.outputs, **QUICK),
        panel.shown.undo(search.undo, panel.found, search.outputs, **QUICK),
    ]


def wire_switch(loaded: gr.State, handlers: InputHandlers, downloads: Downloads, studio: Studio) -> None:
    """Another model was loaded."""
    form, outputs = handlers.form, handlers.outputs
    inputs = [form.start.image, form.goal.second, *form.fields.values()]
    changed = [form.start.outside, form.goal.keep, form.goal.preset, form.fields["sampling_steps"]]
    costs = [form.fields[name] for name in COST_FIELDS]
    loaded.change(handlers.adopt, inputs, [*outputs.result, *changed], **QUICK).then(
        handlers.forecast, costs, form.goal.cost, **LATEST
    )
    area, crop = form.goal.area, [form.fields[name] for name in FIRST_CROP]
    loaded.change(handlers.area.show, [form.start.image, area.where, area.painted, *crop], area.all, **QUICK)
    labels = list(downloads.saves.values())
    loaded.change(lambda: downloads.labelled(studio.model.size), None, labels, **QUICK)


def wire_restore(blocks: gr.Blocks, handlers: RestoreHandlers) -> None:
    """Loading earlier settings, and saving a finished run."""
    form, outputs, downloads = handlers.form, handlers.outputs, handlers.downloads
    fields, image = list(form.fields.values()), form.start.image
    filled = [*fields, *form.goal.boxes, form.goal.preset, form.goal.paper]
    form.start.recorded.pick(handlers.replay, None, [image, *filled, *outputs.result], **QUICK)
    loaded = [*filled, outputs.message]
    form.goal.restore.upload(
        handlers.restore, [form.goal.restore, form.goal.second], [*loaded, form.goal.restore], **QUICK
    )
    blocks.load(handlers.follow, form.goal.second, [*filled, *outputs.result, image], **QUICK)
    outputs.visit.again(handlers.again, [outputs.runs, form.goal.second], loaded, **QUICK)
    crop = [form.fields[name] for name in FIRST_CROP]
    deleted = [outputs.runs, outputs.visit, *outputs.result]
    outputs.visit.forget(handlers.forget, [outputs.runs, outputs.shown, image, *crop], deleted, **QUICK)
    downloads.link.click(handlers.link, [image, *fields], [downloads.address, outputs.message], **QUICK).then(
        None, downloads.address, [downloads.address, outputs.job.announcement], js=_FULL_LINK, **QUICK
    )
    downloads.call.click(handlers.call, fields, [downloads.lines, outputs.message], **QUICK).then(
        None, downloads.lines, downloads.lines, js=_ADDRESSED, **QUICK
    )
    saved = [downloads.inside, downloads.mark, outputs.shown]
    for kind, button in downloads.saves.items():
        wire_save(button, partial(handlers.save, kind), saved, downloads.file, outputs.message)
    wire_save(outputs.save_photo, handlers.save_photo, [*saved, outputs.photo], downloads.file, outputs.message)
