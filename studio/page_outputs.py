"""The page's third column: what happens, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd
from gradio.blocks import Block

from studio import words
from studio.events import Outcome, Point, Progress, Waiting
from studio.model import Model
from studio.pictures import enlarge
from studio.record import record, to_png

VIEW = 512
Updates = dict[Block, Any]


@dataclass(frozen=True)
class Outputs:
    """The components from Run down, and how events become updates of them.

    What an update does not name keeps what it shows: the last result stays until the next one replaces it.
    """

    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    announcement: gr.HTML
    message: gr.HTML
    live: gr.Image
    compare: gr.ImageSlider
    curve: gr.LinePlot
    numbers: gr.HTML
    save: gr.DownloadButton
    save_large: gr.DownloadButton

    @property
    def all(self) -> list[Block]:
        """Every component a run may update."""
        return [getattr(self, one.name) for one in fields(self)]

    def waiting(self) -> Updates:
        """Run was pressed; another run may hold the device."""
        return {
            self.run: gr.Button("Running…", interactive=False),
            self.stop: gr.Button(interactive=True),
            self.status: words.progress_bar("Waiting for the device…"),
            self.announcement: "Run started.",
            self.message: "",
        }

    def stopping(self) -> Updates:
        """Stop was pressed; the run ends a network call later."""
        return {self.stop: gr.Button("Stopping…", interactive=False)}

    def ready(self) -> Updates:
        """The run is over, however it ended."""
        return {self.run: gr.Button("Run", interactive=True), self.stop: gr.Button("Stop", interactive=False)}

    def unchanged(self) -> Updates:
        """A heartbeat: nothing to show, but a moment at which a closed tab ends the run."""
        return {self.status: gr.skip()}

    def in_line(self, event: Waiting) -> Updates:
        """Others come first."""
        return {self.status: words.progress_bar(words.place(event.ahead))}

    def moving(self, event: Progress) -> Updates:
        """One frame of a run."""
        updates: Updates = {self.status: words.progress(event), self.live: enlarge(event.image, VIEW)}
        if event.curve:
            updates[self.curve] = gr.LinePlot(table(event.curve), x_lim=[0, event.steps])
        return updates

    def done(self, outcome: Outcome, model: Model, folder: Path) -> Updates:
        """The end of a run: lossless comparison, measured numbers, files to keep (written into `folder`)."""
        sentence = words.finished(outcome)
        before, after = enlarge(outcome.before, VIEW), enlarge(outcome.after, VIEW)
        small, large = _write(outcome, model, folder)
        return {
            self.status: words.progress_bar(sentence, 1.0),
            self.announcement: sentence,
            self.live: after,
            self.compare: (before, after),
            self.curve: table(outcome.curve),
            self.numbers: words.numbers(outcome),
            self.save: gr.DownloadButton(value=str(small), interactive=True),
            self.save_large: gr.DownloadButton(value=str(large), interactive=True),
        }

    def nothing_kept(self) -> Updates:
        """Stopped before the first sample."""
        sentence = "Stopped before the first step, so there is nothing new to keep."
        return {self.status: words.progress_bar(sentence), self.announcement: sentence}

    def failed(self, sentence: str) -> Updates:
        """A run that could not start or go on."""
        return {self.status: words.progress_bar("Nothing is running"), self.message: words.alert(sentence)}


def outputs(first: Path | None, model: Model) -> Outputs:
    """Run and Stop, status, live image beside the last comparison, curve beside the numbers, files."""
    gr.Markdown("### 3 · Watch it change")
    with gr.Row(elem_id="go"):
        run = gr.Button("Run", variant="primary", elem_id="run", scale=2, min_width=120)
        stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="stop", scale=1, min_width=90)
    status = gr.HTML(words.progress_bar("Ready: press Run"), elem_id="status")
    message = gr.HTML("", elem_id="message")
    announcement = gr.HTML("", elem_id="announcement", html_template='<span role="status">${value}</span>')
    with gr.Row(elem_id="stage"):
        live = gr.Image(
            value=str(first) if first else None,
            format="jpeg",
            label="Live",
            interactive=False,
            buttons=["fullscreen"],
            height=340,
            elem_id="live",
            alt_text="The image while it changes",
        )
        compare = gr.ImageSlider(
            format="png",
            label="Before | after",
            interactive=False,
            buttons=["fullscreen"],
            height=340,
            elem_id="compare",
        )
    with gr.Row():
        curve = gr.LinePlot(
            None,
            x="step",
            y="value",
            color="curve",
            x_title="optimisation step",
            y_title="loss (lower is better)",
            color_title="",
            height=280,
            label="Loss",
            show_label=False,  # the plot fills the box whatever else is in it, and would lose its legend
            buttons=[],
            elem_id="curve",
        )
        with gr.Column():
            numbers = gr.HTML(words.no_numbers(), elem_id="numbers", apply_default_css=False)
            with gr.Row():
                save = _save_button(f"Save PNG, {model.size} px", "save")
                large = _save_button(f"Enlarged, {VIEW} px", "save-large")
    return Outputs(run, stop, status, announcement, message, live, compare, curve, numbers, save, large)


def _save_button(label: str, name: str) -> gr.DownloadButton:
    return gr.DownloadButton(label, interactive=False, size="sm", min_width=120, elem_id=name)


def table(curve: Sequence[Point]) -> pd.DataFrame:
    """Curves as LinePlot takes them: one row a step and curve."""
    rows = [
        (point.step, value, name) for point in curve for name, value in {"total": point.total, **point.terms}.items()
    ]
    return pd.DataFrame(rows, columns=["step", "value", "curve"])


def _write(outcome: Outcome, model: Model, folder: Path) -> tuple[Path, Path]:
    written = record(outcome, model)
    name = f"steered-{outcome.settings.loss.replace('_', '-')}-{outcome.settings.seed}"
    small, large = folder / f"{name}.png", folder / f"{name}-{VIEW}px.png"
    small.write_bytes(to_png(outcome.after, written))
    large.write_bytes(to_png(enlarge(outcome.after, VIEW), {**written, "enlarged_from": model.size}))
    return small, large
