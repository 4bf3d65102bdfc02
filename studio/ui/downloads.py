"""Files to take away: what may be in them, who writes them when a button is pressed, and how they are downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.core.errors import explain
from studio.ui import html

DOWNLOAD = """(file) => {
  if (!file) return;
  const link = document.createElement('a');
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}"""


def boxes(marked: bool, prefix: str = "") -> tuple[gr.Checkbox, gr.Checkbox]:
    """Whether the settings go into a picture; whether it bears the label, which it does from the start if `marked`."""
    inside = gr.Checkbox(True, label="Write the settings into the picture", elem_id=f"{prefix}inside", min_width=200)
    label = "Label it “AI-edited” in a corner"
    return inside, gr.Checkbox(marked, label=label, elem_id=f"{prefix}mark", min_width=200)


def carrier(prefix: str = "") -> gr.File:
    """What hands a finished file to the browser's download; nobody sees it."""
    return gr.File(visible=False, elem_id=f"{prefix}file")


def written(file: gr.File, message: gr.HTML, make: Callable[[Path], Path]) -> Iterator[dict[Block, Any]]:
    """What `make` writes into a folder, or a sentence where it cannot."""
    with TemporaryDirectory() as folder:  # Gradio copies the file when the update leaves
        try:
            path = make(Path(folder))
        except Exception as error:
            yield {file: None, message: html.alert(explain(error))}
        else:
            yield {file: str(path), message: ""}
