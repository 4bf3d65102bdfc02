"""`page`: the tabs put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import gradio as gr

from studio.api.endpoints import add_endpoints
from studio.models.embedded import morph_examples
from studio.queue.app_state import Studio
from studio.server.cleanup import wire_leaving
from studio.ui.about.models import line
from studio.ui.about.tab import about_tab
from studio.ui.blocks import Blocks
from studio.ui.compare.tab import compare_tab
from studio.ui.fields import NAME_EXAMPLES
from studio.ui.job import PLUMBING
from studio.ui.morph.tab import morph_tab
from studio.ui.steer.tab import steer_tab

Work = TypeVar("Work", bound=Callable[..., Any])

TITLE = "AdjointDEIS Studio"
_HEAD = f"""# {TITLE}
**Say what should change about a face, and watch it change.** The picture is turned, exactly, into the noise of a
diffusion model; the gradient of your wish, taken back through every sampling step, then steers that noise."""
_SMALL_PRINT = "Images stay where this program runs and are deleted after your visit; the About tab says what is kept."


def where_it_is(function: Work) -> Work:
    """The host wants nothing of a function that uses the device."""
    return function


def page(studio: Studio, examples: Sequence[Path], on_device: Callable[[Any], Any] = where_it_is) -> gr.Blocks:
    """The page, ready to launch.

    Args:
        studio: model, device lock, stop flags.
        examples: pictures to start from; the first is there when the page opens.
        on_device: wraps every function that uses the device in whatever the host needs.
    """
    stream = on_device(studio.stream)
    # what is still there when the program ends goes then; page_leaving looks after everything else, and sooner
    with Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600), fill_width=True) as blocks:
        gr.Markdown(f"{_HEAD} {line(studio.model)}", elem_id="head")
        # wrap: with a menu for what does not fit, gradio measures tabs before fonts are there and may hide one for good
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab("Steer", id="steer"):
                steer_tab(blocks, studio, examples, stream)
            with gr.Tab("Morph", id="morph"):
                morph_tab(studio, [*morph_examples(), *examples], stream)
            with gr.Tab("Compare", id="compare"):
                compare_tab(studio, examples, stream)
            with gr.Tab("About", id="about"):
                about_tab(studio)
        tabs.change(None, js=NAME_EXAMPLES, **PLUMBING)
        gr.Markdown(f"{_SMALL_PRINT} {studio.model.origin.note}", elem_id="small-print")
        add_endpoints(studio, on_device)
        wire_leaving(blocks, studio.cancel_tokens)
    blocks.queue(max_size=100, default_concurrency_limit=4)
    return cast(gr.Blocks, blocks)
