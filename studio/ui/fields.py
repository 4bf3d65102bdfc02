"""Components for pictures and for the fields of Settings, the same on every tab.

The id of an element is the prefix of its tab and the name of the field, because ids must be unique on a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from gradio.data_classes import ImageData
from PIL import Image

from studio.core.errors import UserError
from studio.core.goals import PROMPTS, Tab
from studio.core.paper import PAPER, PaperRun, paper_runs
from studio.core.presets import StepRange, limited
from studio.core.settings import Settings, bounds, title
from studio.images.crop import Crop
from studio.images.load import load_picture
from studio.server.gradio_internals import PlainSubclass
from studio.ui import html
from studio.ui.events import QUICK, Updates

CONSENT = '<p class="hint">Own photos only with consent. Examples: MIT licence.</p>'
DEFAULTS = Settings(prompt=PROMPTS[0])
# Gradio's thumbnails are buttons without an accessible name; those of a closed part exist only after it was opened
NAME_EXAMPLES = """() => setTimeout(() => document.querySelectorAll('[id^=examples-]').forEach(
    (group) => group.querySelectorAll('button').forEach(
        (button, i) => button.setAttribute('aria-label', `Example ${i + 1}`))), 500)"""


class PathImage(gr.Image, metaclass=PlainSubclass):
    """An image whose handlers get the path of the uploaded file.

    Gradio would decode the upload before the studio checks it, and show its own exception with server paths. It has to
    be a subclass, because Gradio makes a component anew from its class when an event updates it.
    """

    is_template = True

    def preprocess(self, payload: ImageData | None) -> str | None:
        """The file's path."""
        return payload.path if payload else None


class AnySlider(gr.Slider, metaclass=PlainSubclass):
    """A slider that passes on any number: Settings checks the range, and its message names the field."""

    is_template = True

    def preprocess(self, payload: float) -> float:
        """The number as it was sent."""
        return payload


def picture(label: str, name: str, value: Path | None, height: int = 260) -> gr.Image:
    """An image from an upload, the webcam or the clipboard; handlers get the path of its file."""
    return PathImage(
        value=str(value) if value else None,
        type="filepath",
        sources=["upload", "webcam", "clipboard"],
        label=label,
        height=height,
        buttons=[],
        elem_id=name,
        alt_text=label,
    )


def model_input(path: str | None, size: int, crop: Crop = Crop()) -> Image.Image | None:  # noqa: B008 -- immutable
    """The crop of a picture as the model gets it; None without a file, or for one that cannot be used."""
    try:
        return None if path is None else load_picture(path, size, crop)
    except UserError:
        return None


def example_row(examples: Sequence[Path], image: gr.Image, label: str = "Examples") -> list[Any]:
    """Thumbnails below a picture, and the event of a choice among them, if there are any."""
    if not examples:
        return []
    row = gr.Examples(
        [[str(path)] for path in examples],
        image,
        label=label,
        elem_id=f"examples-{image.elem_id}",
        cache_examples=False,
        api_visibility="private",
    )
    return [row.load_input_event]


def text(field: str, prefix: str = "") -> gr.Textbox:
    """One line of at most 300 characters."""
    return gr.Textbox(
        value=getattr(DEFAULTS, field), label=title(field), lines=1, max_length=300, elem_id=prefix + field
    )


def choice(field: str, labels: Mapping[str, str], prefix: str = "") -> gr.Dropdown:
    """One of `labels`, which maps each value to its text."""
    choices = [(label, value) for value, label in labels.items()]
    return gr.Dropdown(choices, value=getattr(DEFAULTS, field), label=title(field), elem_id=prefix + field)


def paper_choice(tab: Tab, prefix: str = "") -> gr.Dropdown:
    """The runs of the paper that a tab can make; "" for none of them."""
    choices = [("None", ""), *((run.label, run.name) for run in paper_runs(tab))]
    return gr.Dropdown(choices, value="", label="Run of the paper", elem_id=f"{prefix}paper")


def paper_updates(
    name: str, fields: Mapping[str, Block], message: Block, steps: StepRange, others: Callable[[PaperRun], Updates]
) -> Updates:
    """The fields of a run of the paper, and what to look at; only the message is cleared for "".

    Args:
        name: of the run.
        fields: of the tab, by setting.
        message: of the tab.
        steps: as for `preset_values`.
        others: what else of the tab the run changes.
    """
    run = PAPER.get(name)
    if run is None:
        return {message: ""}
    values = limited(run.values, steps)
    moved: Updates = {field: values[key] for key, field in fields.items() if key in values}
    return {**moved, **others(run), message: html.note(run.shows)}


def suit_steps(loaded: gr.State, steps: Component, now: Callable[[], StepRange]) -> None:
    """Have the number of sampling steps become one that suits the model when another one was loaded.

    Args:
        loaded: changes then.
        steps: the control.
        now: returns the range of the loaded model.
    """
    loaded.change(lambda number: gr.skip() if number is None else now().nearest(int(number)), steps, steps, **QUICK)


def slider(field: str, step: float, prefix: str = "") -> gr.Slider:
    """A number within the field's bounds."""
    low, high = bounds(field)
    return AnySlider(
        low, high, getattr(DEFAULTS, field), step=step, label=title(field), buttons=[], elem_id=prefix + field
    )
