"""The right column of the Steer tab: Run and Stop, the live picture, the comparison and the measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block

from studio.export.files import SAVES
from studio.export.photo import photo_view
from studio.export.player import comparison_view, playback_view, progress_view
from studio.export.recordings import Recording
from studio.runs.events import Outcome, Progress
from studio.ui import html
from studio.ui.downloads import hidden_file, options
from studio.ui.events import Updates
from studio.ui.job import Job, job_row
from studio.ui.steer.history import HistoryEntry, entries
from studio.ui.viewers import viewer


@dataclass(frozen=True)
class Outputs:
    """The components that show a run, and the updates of them for each event.

    An update changes only the components it names: the last result stays until the next one replaces it.
    """

    job: Job
    live: gr.HTML
    compare: gr.HTML
    numbers: gr.HTML
    shown: gr.State
    photo: gr.State
    runs: gr.State
    visit: gr.HTML

    @property
    def message(self) -> gr.HTML:
        """Where messages are shown."""
        return self.job.message

    @property
    def all(self) -> list[Block]:
        """Every component that a run may update, beside those of the job."""
        return [self.live, self.compare, self.numbers, self.shown, self.photo, self.runs, self.visit]

    @property
    def result(self) -> list[Block]:
        """The components that show a finished run."""
        show = [self.job.status, self.job.announcement, self.message, self.live, self.compare, self.numbers]
        return [*show, self.shown, self.photo]

    def moving(self, event: Progress) -> Updates:
        """One frame of a run."""
        return {self.job.status: html.progress(event), self.live: progress_view(event)}

    def done(self, outcome: Outcome, runs: Sequence[HistoryEntry], path: str | None = None) -> Updates:
        """The end of a run; `runs` are those of this session with this one; `path` is the picture's file."""
        ended = self._shown(outcome, html.finished(outcome))
        around = photo_view(outcome, path)
        ended |= {self.compare: {**ended[self.compare], **around}, self.photo: path if around else None}
        return {**ended, self.runs: tuple(runs), self.visit: entries(runs)}

    def replayed(self, recording: Recording, digest: str) -> Updates:
        """A recorded run, at once; `digest` is that of the loaded weights."""
        sentence = html.recorded(recording.title, recording.digest == digest)
        return {**self._shown(recording.outcome, sentence, play=True), self.message: ""}

    def _shown(self, outcome: Outcome, sentence: str, play: bool = False) -> Updates:
        return {
            self.job.status: html.progress_bar(sentence, 1.0, below=html.gains(outcome)),
            self.job.announcement: sentence,
            self.live: playback_view(outcome, play),
            self.compare: comparison_view(outcome),
            self.numbers: html.numbers(outcome),
            self.shown: outcome,
            self.photo: None,
        }


@dataclass(frozen=True)
class Downloads:
    """The components that save a run to files, and make a link to its settings."""

    saves: dict[str, gr.Button]
    photo: gr.Button
    inside: gr.Checkbox
    mark: gr.Checkbox
    file: gr.File
    link: gr.Button
    address: gr.Textbox


def output_column(first: Recording | None, digest: str) -> Outputs:
    """Run and Stop, status, then the live picture with its steps beside the comparison with its measurements."""
    gr.Markdown("### 3 · Result")
    status = ""
    if first is not None:
        sentence = html.recorded(first.title, first.digest == digest)
        status = html.progress_bar(sentence, below=html.gains(first.outcome))
    job = job_row("", "Run", status)
    with gr.Row(elem_id="stage"):
        with gr.Column(min_width=280):
            live = viewer("stage", playback_view(first.outcome, play=True) if first else {}, "live")
        with gr.Column(min_width=280):
            compare = viewer("pair", comparison_view(first.outcome) if first else {}, "compare")
            table = html.numbers(first.outcome) if first else html.no_numbers()
            numbers = gr.HTML(table, elem_id="numbers", elem_classes="plain", apply_default_css=False)
    # the page's load event sets the result that is shown: a session that was deleted then has none to save, and never
    # that of another session
    shown, photo, runs = gr.State(None), gr.State(None), gr.State(())
    with gr.Accordion("Run history", open=False, elem_id="history"):
        visit = viewer("visit", [], "visit")
    return Outputs(job, live, compare, numbers, shown, photo, runs, visit)


def download_row(marked: bool = False) -> Downloads:
    """A button for every kind of file; `marked`: whether pictures carry the label at first."""
    with gr.Accordion("Save and share", open=True, elem_id="keep"):
        with gr.Row(elem_classes="saves"):
            saves = {
                kind: gr.Button(save.label, size="sm", min_width=90, elem_id=f"save-{kind}")
                for kind, save in SAVES.items()
            }
            photo = gr.Button("In your photo", size="sm", min_width=90, visible=False, elem_id="save-photo")
        with gr.Row(elem_classes="sharing"):
            inside, mark = options(marked)
            link = gr.Button("Copy link", size="sm", elem_id="link", min_width=150)
        address = gr.Textbox(
            label="Link", visible=False, interactive=False, max_lines=1, buttons=["copy"], elem_id="address"
        )
    return Downloads(saves, photo, inside, mark, hidden_file(), link, address)
