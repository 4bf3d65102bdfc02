"""`page`: the three columns put together and wired."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import gradio as gr

from studio.page_actions import Actions, Stream
from studio.page_inputs import start_picture, wishes
from studio.page_outputs import outputs
from studio.page_wiring import wire_inputs, wire_run
from studio.shared import Studio

TITLE = "AdjointDEIS Studio"
_HEAD = f"""# {TITLE}
**Say what should change about a face, and watch it change.** The picture is turned, exactly, into the noise of a
diffusion model; the gradient of your wish, taken back through every sampling step, then steers that noise."""
_SMALL_PRINT = """Images stay on this machine: nothing is sent elsewhere, and temporary files are deleted within hours.
The built-in model is small and synthetic and knows only clay faces: a photo is outside its world, so it will be
given back exactly but hardly be steered well."""


def page(studio: Studio, examples: Sequence[Path], stream: Stream | None = None) -> gr.Blocks:
    """The page, ready to launch.

    Args:
        studio: model, device lock, stop flags.
        examples: pictures to start from; the first is there when the page opens.
        stream: `studio.stream` wrapped by whatever the host needs.
    """
    # every streamed frame is a file; looked through every 10 minutes, gone after an hour
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600), fill_width=True) as blocks:
        gr.Markdown(_HEAD, elem_id="head")
        with gr.Row(elem_id="columns"):
            with gr.Column(scale=3, min_width=280):
                first = start_picture(examples)
            with gr.Column(scale=4, min_width=320):
                middle = wishes(examples)
            with gr.Column(scale=7, min_width=340):
                right = outputs(examples[0] if examples else None, studio.model)
        gr.Markdown(_SMALL_PRINT, elem_id="small-print")
        actions = Actions(studio, stream or studio.stream, middle, right)
        wire_run(blocks, actions, first, middle, right)
        wire_inputs(blocks, actions, first, middle, right)
    blocks.queue(max_size=20, default_concurrency_limit=4)
    return cast(gr.Blocks, blocks)
