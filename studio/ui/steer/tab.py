"""`steer_tab`: the main job, put together and wired: what is asked at the left, what happens at the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from studio.export.recordings import load
from studio.queue.app_state import Stream, Studio
from studio.ui.job import PLUMBING
from studio.ui.steer.actions import Actions
from studio.ui.steer.inputs import Form, start_picture, wishes
from studio.ui.steer.outputs import keeping, outputs
from studio.ui.steer.responses import Answers
from studio.ui.steer.restore import Recall
from studio.ui.steer.wiring import wire_inputs, wire_recall, wire_run


def steer_tab(blocks: gr.Blocks, studio: Studio, examples: Sequence[Path], stream: Stream | None = None) -> None:
    """The tab's content, built inside an open `gr.Tab` of `blocks`.

    Args:
        blocks: the page, for what happens when it loads.
        studio: model, device line, stop flags.
        examples: pictures to start from; recorded runs of them are shown at once.
        stream: `studio.queue.latest` wrapped by whatever the host needs.
    """
    there = {path.stem for path in examples}
    recordings = [one for one in load() if one.image in there]
    with gr.Row(elem_id="columns"):
        with gr.Column(scale=4, min_width=300):
            form = Form(start_picture(examples, recordings), wishes(examples))
        with gr.Column(scale=9, min_width=340):
            right = outputs(recordings[0] if recordings else None, studio.model.digest)
            kept = keeping(marked=studio.public)
    actions = Actions(studio, stream or studio.stream, form, right)
    answers = Answers(studio, form, right)
    recall = Recall(studio, form, right, kept, examples, recordings)
    if recordings:
        blocks.load(lambda: recordings[0].outcome, None, right.shown, **PLUMBING)
    wire_run(blocks, actions, answers)
    wire_inputs(blocks, answers)
    wire_recall(blocks, recall)
