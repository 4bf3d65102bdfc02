"""Files to download: their options, how they are written, and how they reach the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr
from gradio.blocks import Block

from studio.core.errors import explain
from studio.ui import html
from studio.ui.events import QUEUED, QUICK, Updates

_DOWNLOAD = """(file) => {
  if (!file) return;
  const link = document.createElement('a');
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}"""


def options(marked: bool, prefix: str = "") -> tuple[gr.Checkbox, gr.Checkbox]:
    """Options of a saved picture: settings in its metadata, and a visible label, which is on at first if `marked`."""
    inside = gr.Checkbox(True, label="Embed settings", elem_id=f"{prefix}inside", min_width=200)
    return inside, gr.Checkbox(marked, label="“AI-edited” label", elem_id=f"{prefix}mark", min_width=200)


def hidden_file(prefix: str = "") -> gr.File:
    """A hidden component that hands a finished file to the browser's download."""
    return gr.File(visible=False, elem_id=f"{prefix}file")


def written(file: gr.File, message: gr.HTML, make: Callable[[Path], Path]) -> Iterator[Updates]:
    """The file that `make` writes into a folder, or a message if it fails."""
    with TemporaryDirectory() as folder:  # Gradio copies the file when the update is sent
        try:
            path = make(Path(folder))
        except Exception as error:
            yield {file: None, message: html.alert(explain(error))}
        else:
            yield {file: str(path), message: ""}


def wire_save(
    button: gr.Button, save: Callable[..., object], inputs: Sequence[Block], file: gr.File, message: gr.HTML
) -> None:
    """Have a button download what `save` writes."""
    saved = button.click(save, list(inputs), [file, message], **QUEUED)
    saved.then(None, file, None, js=_DOWNLOAD, **QUICK)
