"""`page`: the tabs put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import gradio as gr

from studio.page_actions import Stream
from studio.shared import Studio
from studio.steer_tab import steer_tab

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
        with gr.Tabs(elem_id="tabs"), gr.Tab("Steer", id="steer"):
            steer_tab(blocks, studio, examples, stream)
        gr.Markdown(_SMALL_PRINT, elem_id="small-print")
    blocks.queue(max_size=20, default_concurrency_limit=4)
    return cast(gr.Blocks, blocks)
