"""`steer_tab`: the three columns of the main job, put together and wired."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from studio.page_actions import Actions, Stream
from studio.page_inputs import start_picture, wishes
from studio.page_outputs import outputs
from studio.page_wiring import wire_inputs, wire_run
from studio.shared import Studio


def steer_tab(blocks: gr.Blocks, studio: Studio, examples: Sequence[Path], stream: Stream | None = None) -> None:
    """The tab's content, built inside an open `gr.Tab` of `blocks`.

    Args:
        blocks: the page, for what happens when it loads.
        studio: model, device lock, stop flags.
        examples: pictures to start from; the first is there when the page opens.
        stream: `studio.stream` wrapped by whatever the host needs.
    """
    with gr.Row(elem_id="columns"):
        with gr.Column(scale=3, min_width=280):
            first = start_picture(examples)
        with gr.Column(scale=4, min_width=320):
            middle = wishes(examples)
        with gr.Column(scale=7, min_width=340):
            right = outputs(examples[0] if examples else None, studio.model)
    actions = Actions(studio, stream or studio.stream, middle, right)
    wire_run(blocks, actions, first, middle, right)
    wire_inputs(blocks, actions, first, middle, right)
