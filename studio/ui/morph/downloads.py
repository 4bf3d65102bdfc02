"""Below a finished morph: its picture and its record to take away, with or without settings and label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import gradio as gr

from studio.export.morph import SAVES, save
from studio.models.interface import Model
from studio.runs.morph import Morphed
from studio.ui import html
from studio.ui.downloads import DOWNLOAD, boxes, carrier, written
from studio.ui.job import PLUMBING, Updates


@dataclass(frozen=True)
class Keeping:
    """The row's components; `shown` holds the morph that is to be kept."""

    shown: gr.State
    saves: dict[str, gr.Button]
    inside: gr.Checkbox
    mark: gr.Checkbox
    file: gr.File


def keeping(marked: bool) -> Keeping:
    """A button for every kind of file; `marked`: whether pictures bear the label from the start."""
    with gr.Row(elem_classes="saves"):
        saves = {
            kind: gr.Button(label, size="sm", min_width=90, elem_id=f"morph-save-{kind}")
            for kind, label in SAVES.items()
        }
    with gr.Row(elem_classes="sharing"):
        inside, mark = boxes(marked, "morph-")
    return Keeping(gr.State(None), saves, inside, mark, carrier("morph-"))


def wire_keeping(keep: Keeping, message: gr.HTML, model: Model) -> None:
    """Each button downloads its file of the morph that is shown."""

    def made(kind: str, inside: bool, marked: bool, shown: Morphed | None) -> Iterator[Updates]:
        if shown is None:
            yield {keep.file: None, message: html.alert("There is nothing to keep yet: press Morph first.")}
        else:
            yield from written(keep.file, message, lambda to: save(kind, shown, model, to, inside, marked=marked))

    for kind, button in keep.saves.items():
        button.click(
            partial(made, kind),
            [keep.inside, keep.mark, keep.shown],
            [keep.file, message],
            show_progress="hidden",
            api_visibility="private",
        ).then(None, keep.file, None, js=DOWNLOAD, **PLUMBING)
