"""The page's right column: what happens, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import gradio as gr
from gradio.blocks import Block

from studio.export.files import SAVES
from studio.export.photo import photo_view
from studio.export.player import comparison_view, playback_view, progress_view
from studio.export.recordings import Recording
from studio.runs.events import Outcome, Progress, Waiting
from studio.ui import html
from studio.ui.downloads import boxes, carrier
from studio.ui.steer.history import HistoryEntry, entries
from studio.ui.steer.inputs import Updates
from studio.ui.viewers import viewer


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
    live: gr.HTML
    compare: gr.HTML
    numbers: gr.HTML
    shown: gr.State
    photo: gr.State
    runs: gr.State
    visit: gr.HTML

    @property
    def all(self) -> list[Block]:
        """Every component a run may update."""
        return [getattr(self, one.name) for one in fields(self)]

    @property
    def result(self) -> list[Block]:
        """What shows a finished run."""
        show = [self.status, self.announcement, self.message, self.live, self.compare, self.numbers]
        return [*show, self.shown, self.photo]

    def waiting(self) -> Updates:
        """Run was pressed; another run may hold the device."""
        return {
            self.run: gr.Button("Running…", interactive=False),
            self.stop: gr.Button(interactive=True),
            self.status: html.progress_bar("Starting…"),
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
        return {self.status: html.progress_bar(html.place(event.ahead))}

    def moving(self, event: Progress) -> Updates:
        """One frame of a run."""
        return {self.status: html.progress(event), self.live: progress_view(event)}

    def done(self, outcome: Outcome, runs: Sequence[HistoryEntry], path: str | None = None) -> Updates:
        """The end of a run; `runs` are those of this visit, this one among them; `path` is the picture's file."""
        ended = self._shown(outcome, html.finished(outcome))
        around = photo_view(outcome, path)
        ended |= {self.compare: {**ended[self.compare], **around}, self.photo: path if around else None}
        return {**ended, self.runs: tuple(runs), self.visit: entries(runs)}

    def replayed(self, recording: Recording, digest: str) -> Updates:
        """A recorded run, at once."""
        sentence = html.recorded(recording.title, recording.digest == digest)
        return {**self._shown(recording.outcome, sentence, play=True), self.message: ""}

    def nothing_kept(self) -> Updates:
        """Stopped before the first sample."""
        sentence = "Stopped before the first step, so there is nothing new to keep."
        return {self.status: html.progress_bar(sentence), self.announcement: sentence}

    def failed(self, sentence: str) -> Updates:
        """A run that could not start or go on."""
        return {self.status: html.progress_bar("Nothing is running"), self.message: html.alert(sentence)}

    def _shown(self, outcome: Outcome, sentence: str, play: bool = False) -> Updates:
        return {
            self.status: html.progress_bar(sentence, 1.0, below=html.gains(outcome)),
            self.announcement: sentence,
            self.live: playback_view(outcome, play),
            self.compare: comparison_view(outcome),
            self.numbers: html.numbers(outcome),
            self.shown: outcome,
            self.photo: None,
        }


@dataclass(frozen=True)
class Keeping:
    """What can be taken away from a run: files, and a link to its settings."""

    saves: dict[str, gr.Button]
    photo: gr.Button
    inside: gr.Checkbox
    mark: gr.Checkbox
    file: gr.File
    link: gr.Button
    address: gr.Textbox


def outputs(first: Recording | None, digest: str) -> Outputs:
    """Run and Stop, status, then the live picture and its steps beside the comparison and its numbers."""
    gr.Markdown("### 3 · Watch it change")
    with gr.Row(elem_id="go"):
        run = gr.Button("Run", variant="primary", elem_id="run", scale=3, min_width=120)
        stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="stop", scale=1, min_width=90)
    begin = html.progress_bar("Ready: press Run")
    if first is not None:
        sentence = html.recorded(first.title, first.digest == digest)
        begin = html.progress_bar(sentence, below=html.gains(first.outcome))
    status = gr.HTML(begin, elem_id="status")
    message = gr.HTML("", elem_id="message")
    announcement = gr.HTML("", elem_id="announcement", html_template='<span role="status">${value}</span>')
    with gr.Row(elem_id="stage"):
        with gr.Column(min_width=280):
            live = viewer("stage", playback_view(first.outcome, play=True) if first else {}, "live")
        with gr.Column(min_width=280):
            compare = viewer("pair", comparison_view(first.outcome) if first else {}, "compare")
            told = html.numbers(first.outcome) if first else html.no_numbers()
            numbers = gr.HTML(told, elem_id="numbers", apply_default_css=False)
    # what is shown comes by the page's load: a forgotten visit then has nothing to save, rather than another's picture
    shown, photo, runs = gr.State(None), gr.State(None), gr.State(())
    with gr.Accordion("Runs of this visit", open=False, elem_id="history"):
        visit = viewer("visit", [], "visit")
    return Outputs(run, stop, status, announcement, message, live, compare, numbers, shown, photo, runs, visit)


def keeping(marked: bool = False) -> Keeping:
    """A button for every kind of file; `marked`: whether pictures bear the label from the start."""
    with gr.Accordion("Keep and share", open=True, elem_id="keep"):
        with gr.Row(elem_classes="saves"):
            saves = {
                kind: gr.Button(save.label, size="sm", min_width=90, elem_id=f"save-{kind}")
                for kind, save in SAVES.items()
            }
            photo = gr.Button("In your photo", size="sm", min_width=90, visible=False, elem_id="save-photo")
        with gr.Row(elem_classes="sharing"):
            inside, mark = boxes(marked)
            link = gr.Button("Link to these settings", size="sm", elem_id="link", min_width=150)
        address = gr.Textbox(
            label="Link", visible=False, interactive=False, max_lines=1, buttons=["copy"], elem_id="address"
        )
    return Keeping(saves, photo, inside, mark, carrier(), link, address)
