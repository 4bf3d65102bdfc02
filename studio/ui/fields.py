"""Fields of a page made from Settings: every tab takes pictures, texts, choices and numbers in the same way.

`before` is put before the name of the field to make the element's id, because no id may be there twice.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.component_meta import ComponentMeta
from gradio.data_classes import ImageData

from studio.core.goals import PROMPTS
from studio.core.settings import Settings, bounds, title

DEFAULTS = Settings(prompt=PROMPTS[0])
# Gradio's thumbnails are buttons without a name; those of a hidden place are there only after it was shown
NAME_EXAMPLES = """() => setTimeout(() => document.querySelectorAll('[id^=examples-]').forEach(
    (group) => group.querySelectorAll('button').forEach(
        (button, i) => button.setAttribute('aria-label', `Example ${i + 1}`))), 500)"""


class Derived(ComponentMeta):
    """For subclasses of components that add no events: Gradio's own metaclass would write a .pyi file beside this one.

    Subclasses they have to be, because Gradio makes a component anew from its class whenever an event updates it.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> Any:
        """An ordinary class."""
        return ABCMeta.__new__(cls, name, bases, attributes)


class PathImage(gr.Image, metaclass=Derived):
    """An image whose handlers get the path of the file as it came.

    Gradio would decode the upload before any check of ours, and show its own exception with server paths.
    """

    is_template = True

    def preprocess(self, payload: ImageData | None) -> str | None:
        """The file's path."""
        return payload.path if payload else None


class AnySlider(gr.Slider, metaclass=Derived):
    """A slider that takes any number: out of range is refused by Settings, whose sentence names the field."""

    is_template = True

    def preprocess(self, payload: float) -> float:
        """The number as it came."""
        return payload


def picture(label: str, name: str, value: Path | None, height: int = 260) -> gr.Image:
    """Upload, webcam or clipboard; handlers get the path, and look at the file themselves."""
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


def example_row(examples: Sequence[Path], image: gr.Image, label: str) -> None:
    """Thumbnails below a picture; nothing where there are no examples."""
    if examples:
        gr.Examples(
            [[str(path)] for path in examples],
            image,
            label=label,
            elem_id=f"examples-{image.elem_id}",
            cache_examples=False,
            api_visibility="private",
        )


def text(field: str, before: str = "") -> gr.Textbox:
    """One line of at most 300 characters."""
    return gr.Textbox(
        value=getattr(DEFAULTS, field), label=title(field), lines=1, max_length=300, elem_id=before + field
    )


def choice(field: str, names: Mapping[str, str], before: str = "") -> gr.Dropdown:
    """One of `names`, value -> what a person reads."""
    choices = [(words, value) for value, words in names.items()]
    return gr.Dropdown(choices, value=getattr(DEFAULTS, field), label=title(field), elem_id=before + field)


def slider(field: str, step: float, before: str = "") -> gr.Slider:
    """A number within the field's bounds."""
    low, high = bounds(field)
    return AnySlider(
        low, high, getattr(DEFAULTS, field), step=step, label=title(field), buttons=[], elem_id=before + field
    )
