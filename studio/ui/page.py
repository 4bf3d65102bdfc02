"""`page`: the tabs and the endpoints put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr

from studio.api.endpoints import add_endpoints
from studio.models.embedded import morph_examples
from studio.models.interface import Model
from studio.queue.app_state import Studio
from studio.ui.about.tab import about_tab
from studio.ui.blocks import Blocks
from studio.ui.compare.tab import compare_tab
from studio.ui.events import QUICK
from studio.ui.fields import NAME_EXAMPLES
from studio.ui.likeness.tab import likeness_tab
from studio.ui.model_picker import model_picker, wire_picker
from studio.ui.morph.tab import morph_tab
from studio.ui.steer.tab import steer_tab

Function = TypeVar("Function", bound=Callable[..., Any])

TITLE = "AdjointDEIS Studio"
_HEAD = f"""# {TITLE}
**Change a face towards a goal, and watch every step.** The picture is inverted, losslessly, to the noise of a diffusion
model. Gradients through every sampling step then optimise that noise towards the goal."""
_SMALL_PRINT = "Images stay on this server and are deleted after your session; the About tab lists what is kept."


_RUNS = ("run", "morph-run", "compare-run")


def _small_print(model: Model) -> str:
    return f"{_SMALL_PRINT} {model.origin.note}"


def run_here(function: Function) -> Function:
    """For hosts whose device is used in this process: the function itself."""
    return function


def page(studio: Studio, examples: Sequence[Path], on_device: Callable[[Any], Any] = run_here) -> Blocks:
    """The page, ready to launch.

    Args:
        studio: model, device queue, cancel tokens.
        examples: pictures; the page opens with the first.
        on_device: wraps every function that uses the device in whatever the host needs.
    """
    stream = on_device(studio.stream)
    # `delete_cache` deletes what is left when the program ends; `blocks.cleaner` deletes everything else, and earlier
    blocks = Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600), fill_width=True)
    with blocks:
        picker = model_picker(studio, _HEAD)
        # wrap: Gradio measures the tabs before the fonts are loaded, and may move one to a menu for good
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab("Steer", id="steer"):
                slots = [steer_tab(blocks, studio, examples, stream, picker.loaded)]
            with gr.Tab("Morph", id="morph"):
                slots += morph_tab(blocks, studio, [*morph_examples(), *examples], stream, picker.loaded)
            with gr.Tab("Compare", id="compare"):
                slots.append(compare_tab(studio, examples, stream, picker.loaded))
            with gr.Tab("Likeness", id="likeness") as tab:
                likeness_tab(studio, tabs, tab, slots)
            with gr.Tab("About", id="about"):
                about_tab(studio, picker.loaded)
        tabs.change(None, js=NAME_EXAMPLES, **QUICK)
        small_print = gr.Markdown(_small_print(studio.model), elem_id="small-print")
        picker.loaded.change(lambda: _small_print(studio.model), None, small_print, **QUICK)
        runs = [one for one in blocks.blocks.values() if isinstance(one, gr.Button) and one.elem_id in _RUNS]
        wire_picker(blocks, studio, picker, runs)
        add_endpoints(studio, on_device, blocks.cleaner)
        blocks.cleaner.on_unload(studio.cancel_tokens)
    blocks.queue(max_size=100, default_concurrency_limit=4)
    return blocks
