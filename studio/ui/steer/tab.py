"""`steer_tab`: inputs at the left, the run and its result at the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from studio.export.recordings import load
from studio.images.crop import Crop
from studio.queue.app_state import Stream, Studio
from studio.ui.events import Updates
from studio.ui.fields import DEFAULTS
from studio.ui.likeness.slots import Slot
from studio.ui.steer.area import area_choices
from studio.ui.steer.further import ChainHandlers, further_work
from studio.ui.steer.inputs import FIRST_CROP, Form, goal_inputs, start_inputs
from studio.ui.steer.outputs import download_row, output_column
from studio.ui.steer.responses import InputHandlers
from studio.ui.steer.restore import RestoreHandlers
from studio.ui.steer.run import reconstruct_work, resume_work, steer_fresh, steer_work
from studio.ui.steer.wiring import wire_chain, wire_inputs, wire_others, wire_restore, wire_run, wire_switch


def steer_tab(blocks: gr.Blocks, studio: Studio, examples: Sequence[Path], stream: Stream, loaded: gr.State) -> Slot:
    """The tab's content, built inside an open `gr.Tab` of `blocks`; returns the picture to change.

    Args:
        blocks: the page, for its load event.
        studio: model, device queue, cancel tokens.
        examples: pictures; the page shows the recorded runs that start from them.
        stream: `studio.stream` wrapped in whatever the host needs.
        loaded: changes when another model was loaded.
    """
    names = {path.stem for path in examples}
    recordings = [one for one in load() if one.image in names]
    with gr.Row(elem_id="columns"):
        with gr.Column(scale=4, min_width=300):
            form = Form(
                start_inputs(examples, recordings),
                goal_inputs(examples, studio.model.groups, area_choices(studio.model)),
            )
        form.fields["sampling_steps"].value = studio.model.step_range.nearest(DEFAULTS.sampling_steps)
        with gr.Column(scale=9, min_width=340):
            first = recordings[0] if recordings else None
            outputs = output_column(first, lambda: studio.model, form.start.reconstruct)
            downloads = download_row(outputs.save_photo, studio.model.size, studio.public)

    def size() -> int:
        return studio.model.size

    handlers = InputHandlers(studio, form, outputs)
    work, fresh = steer_work(stream, form, outputs, size), steer_fresh(form, outputs, size)
    wire_run(blocks, studio.cancel_tokens, work, fresh, handlers)
    resume, reconstruct = resume_work(stream, outputs), reconstruct_work(stream, form, outputs, size)
    further = further_work(stream, form, outputs, work)
    wire_others(studio.cancel_tokens, resume, further, reconstruct, fresh, handlers)
    wire_chain(handlers, ChainHandlers(stream, outputs, studio.cancel_tokens, size))
    changes = wire_inputs(blocks, handlers)
    wire_switch(loaded, handlers, downloads, studio)
    wire_restore(blocks, RestoreHandlers(studio, form, outputs, downloads, examples, recordings))
    return _slot(handlers, changes)


def _slot(handlers: InputHandlers, changes: Sequence[Any]) -> Slot:
    """The picture to change, which a clay likeness may replace."""
    start, outputs = handlers.form.start, handlers.outputs
    crop = [start.fields[name] for name in FIRST_CROP]
    look = (handlers.look, [outputs.shown, start.image, *crop], [*outputs.result, start.outside])
    resets: Updates = {**handlers.leave_photo(), **dict(zip(crop, Crop(), strict=True))}
    return Slot(
        "Steer",
        "steer",
        start.image,
        start.offer,
        look,
        changes,
        resets,
        crop,
        start.faces.found,
    )
