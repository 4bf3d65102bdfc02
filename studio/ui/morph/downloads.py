"""Downloads of a finished morph: its picture and its record, with or without settings and label."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import gradio as gr

from studio.export.morph import SAVES, save
from studio.models.interface import Model
from studio.runs.morph import Morphed
from studio.ui import html
from studio.ui.downloads import hidden_file, options, wire_save, written
from studio.ui.events import Updates


@dataclass(frozen=True)
class Downloads:
    """The components of the row; `shown` holds the finished morph."""

    shown: gr.State
    saves: dict[str, gr.Button]
    inside: gr.Checkbox
    mark: gr.Checkbox
    file: gr.File


def download_row(marked: bool) -> Downloads:
    """A button for every kind of file; `marked`: whether pictures carry the label at first."""
    with gr.Row(elem_classes="saves"):
        saves = {
            kind: gr.Button(label, size="sm", min_width=90, elem_id=f"morph-save-{kind}")
            for kind, label in SAVES.items()
        }
    with gr.Row(elem_classes="sharing"):
        inside, mark = options(marked, "morph-")
    return Downloads(gr.State(None), saves, inside, mark, hidden_file("morph-"))


def wire_downloads(downloads: Downloads, message: gr.HTML, model: Callable[[], Model]) -> None:
    """Each button downloads its file of the finished morph; `model` returns the loaded model."""
    file = downloads.file

    def save_as(kind: str, inside: bool, marked: bool, shown: Morphed | None) -> Iterator[Updates]:
        if shown is None:
            yield {file: None, message: html.alert("There is no result to save yet: press Morph first.")}
        else:
            yield from written(file, message, lambda to: save(kind, shown, model(), to, inside, marked=marked))

    for kind, button in downloads.saves.items():
        inputs = [downloads.inside, downloads.mark, downloads.shown]
        wire_save(button, partial(save_as, kind), inputs, file, message)
