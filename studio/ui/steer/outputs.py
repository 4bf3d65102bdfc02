"""The right column of the Steer tab: Run and Stop, the live picture, the comparison and the measurements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block
from PIL import Image

from studio.export.files import SAVES
from studio.export.photo import photo_view
from studio.export.player import comparison_view, pair_view, playback_view, progress_view, uri
from studio.export.recordings import Recording
from studio.models.interface import Model
from studio.runs.events import Outcome, Progress
from studio.runs.kept_run import KeptRun
from studio.runs.reconstruct import Reconstruction
from studio.runs.request import Request
from studio.ui import html
from studio.ui.downloads import hidden_file, options
from studio.ui.events import Updates
from studio.ui.job import Job, job_row
from studio.ui.steer.chain import Chain, ChainOutputs, Edited, chain_outputs
from studio.ui.steer.history import HistoryEntry, entries
from studio.ui.viewers import viewer

READY = "Ready: press Run"


@dataclass(frozen=True)
class Outputs:
    """The components that show a run, and the updates of them for each event.

    All of them show one run, or an input without a run: `fresh` removes every part of the run before. `model` returns
    the loaded model, which may enlarge its pictures.
    """

    job: Job
    asked: gr.HTML
    live: gr.HTML
    compare: gr.HTML
    numbers: gr.HTML
    shown: gr.State
    kept: gr.State
    resume: gr.Button
    chain: ChainOutputs
    photo: gr.State
    save_photo: gr.Button
    runs: gr.State
    visit: gr.HTML
    model: Callable[[], Model]

    @property
    def message(self) -> gr.HTML:
        """Where messages are shown."""
        return self.job.message

    @property
    def all(self) -> list[Block]:
        """Every component that a run may update, beside those of the job."""
        return [*self._panels, self.runs, self.visit]

    @property
    def result(self) -> list[Block]:
        """The components that show a finished run."""
        return [self.job.status, self.job.announcement, self.message, *self._panels]

    @property
    def _panels(self) -> list[Block]:
        show = [self.asked, self.live, self.compare, self.numbers, self.shown]
        return [*show, self.kept, self.resume, *self.chain.parts, self.photo, self.save_photo]

    def fresh(self, picture: Image.Image | None) -> Updates:
        """No run: the model's input if there is one, and nothing else."""
        seen = "" if picture is None else uri(picture, self.model())
        size = "" if picture is None else f"model input, {picture.width} × {picture.height}"
        return {
            self.job.status: html.progress_bar(READY),
            self.asked: "",
            self.live: {"image": seen, "caption": size},
            self.compare: {"before": seen},
            self.numbers: html.no_numbers(),
            self.shown: None,
            **self.going_on(None),
            **self._in_photo(None),
        }

    def going_on(self, kept: KeptRun | None, chain: Chain = ()) -> Updates:
        """The run that Resume goes on with, if it can, and the edits so far, the latest last."""
        more = kept.more if kept else 0
        resume = gr.Button(f"Resume (+{more})", visible=more > 0)
        return {self.kept: kept, self.resume: resume, **self.chain.shown(chain)}

    def reconstructed(self, found: Reconstruction) -> Updates:
        """A picture that went to noise and back."""
        sentence = html.reconstructed(found)
        caption = f"reconstruction, {found.before.width} × {found.before.height}"
        after, model = found.by_sde.image, self.model()
        return {
            **self.job.over(sentence),
            self.asked: html.reconstruction(found),
            self.live: {"image": uri(after, model), "caption": caption},
            self.compare: {**pair_view(found.before, after, model), "labels": ["Input", "Reconstruction (SDE)"]},
        }

    def started(self, request: Request) -> Updates:
        """A run that waits or begins: its goal, and its picture before."""
        return {self.asked: html.asked(request.settings), self.compare: {"before": uri(request.start, self.model())}}

    def moving(self, event: Progress, live: bool = True) -> Updates:
        """One frame of a run; `live`: with its picture and curves."""
        shown: Updates = {self.live: progress_view(event, self.model())} if live else {}
        return {self.job.status: html.progress(event), **shown}

    def done(
        self,
        outcome: Outcome,
        runs: Sequence[HistoryEntry],
        path: str | None = None,
        kept: KeptRun | None = None,
        before: Chain = (),
    ) -> Updates:
        """The end of a run.

        Args:
            outcome: its result.
            runs: of this session, with this one.
            path: the picture's file.
            kept: the run, to go on with.
            before: the edits before it in a chain.
        """
        chain = () if kept is None else (*before, Edited(outcome, kept))
        return {**self.result_of(outcome, path, kept, chain), self.runs: tuple(runs), self.visit: entries(runs)}

    def result_of(self, outcome: Outcome, path: str | None, kept: KeptRun | None, chain: Chain) -> Updates:
        """A finished run in all panels, without the history."""
        ended = self._shown(outcome, html.finished(outcome))
        around = photo_view(outcome, path)
        ended |= {self.compare: {**ended[self.compare], **around}, **self._in_photo(path if around else None)}
        return {**ended, **self.going_on(kept, chain)}

    def replayed(self, recording: Recording) -> Updates:
        """A recorded run, at once."""
        sentence = html.recorded(recording.title, recording.digest == self.model().digest)
        return {**self._shown(recording.outcome, sentence, play=True), self.message: ""}

    def _shown(self, outcome: Outcome, sentence: str, play: bool = False) -> Updates:
        return {
            self.job.status: html.progress_bar(sentence, 1.0, below=html.gains(outcome)),
            self.job.announcement: sentence,
            self.asked: html.asked(outcome.settings, outcome.verdict),
            self.live: playback_view(outcome, self.model(), play),
            self.compare: comparison_view(outcome, self.model()),
            self.numbers: html.numbers(outcome),
            self.shown: outcome,
            **self.going_on(None),
            **self._in_photo(None),
        }

    def _in_photo(self, path: str | None) -> Updates:
        """The photograph that surrounds the result, with the button that saves it."""
        return {self.photo: path, self.save_photo: gr.Button(visible=path is not None)}


@dataclass(frozen=True)
class Downloads:
    """The components that save a run to files, and make a link to its settings."""

    saves: dict[str, gr.Button]
    inside: gr.Checkbox
    mark: gr.Checkbox
    file: gr.File
    link: gr.Button
    address: gr.Textbox
    call: gr.Button
    lines: gr.Textbox

    def labelled(self, size: int) -> Updates:
        """The buttons' labels for pictures of another size."""
        return {button: SAVES[kind].label_at(size) for kind, button in self.saves.items()}


def output_column(first: Recording | None, model: Callable[[], Model], reconstruct: gr.Button) -> Outputs:
    """Run and Stop, status, then the live picture with its steps beside the comparison with its measurements.

    Args:
        first: the recorded run to open with.
        model: returns the loaded model.
        reconstruct: the button that measures the reconstruction.
    """
    gr.Markdown("### 3 · Result")
    resume = gr.Button("Resume", visible=False, elem_id="resume", scale=1, min_width=90, render=False)
    status = ""
    if first is not None:
        sentence = html.recorded(first.title, first.digest == model().digest)
        status = html.progress_bar(sentence, 1.0, below=html.gains(first.outcome))
    job = job_row("", "Run", status, [resume, reconstruct])
    asked = gr.HTML(
        html.asked(first.outcome.settings, first.outcome.verdict) if first else "",
        elem_id="asked",
        elem_classes="plain asked",
    )
    chain = chain_outputs()
    with gr.Row(elem_id="stage"):
        with gr.Column(min_width=280):
            live = viewer("stage", playback_view(first.outcome, model(), play=True) if first else {}, "live")
        with gr.Column(min_width=280):
            compare = viewer("pair", comparison_view(first.outcome, model()) if first else {}, "compare")
            table = html.numbers(first.outcome) if first else html.no_numbers()
            numbers = gr.HTML(table, elem_id="numbers", elem_classes="plain", apply_default_css=False)
    shown, kept, photo, runs = gr.State(None), gr.State(None), gr.State(None), gr.State(())
    with gr.Accordion("Run history", open=False, elem_id="history"):
        visit = viewer("visit", [], "visit")
    save_photo = gr.Button("In your photo", size="sm", min_width=90, visible=False, elem_id="save-photo", render=False)
    return Outputs(
        job, asked, live, compare, numbers, shown, kept, resume, chain, photo, save_photo, runs, visit, model
    )


def download_row(save_photo: gr.Button, size: int, marked: bool = False) -> Downloads:
    """A button for every kind of file.

    Args:
        save_photo: the button for the photograph, not rendered yet.
        size: of the model's pictures.
        marked: whether pictures carry the label at first.
    """
    with gr.Accordion("Save and share", open=True, elem_id="keep"):
        with gr.Row(elem_classes="saves"):
            saves = {
                kind: gr.Button(save.label_at(size), size="sm", min_width=90, elem_id=f"save-{kind}")
                for kind, save in SAVES.items()
            }
            save_photo.render()  # type: ignore[no-untyped-call]
        with gr.Row(elem_classes="sharing"):
            inside, mark = options(marked)
            link = gr.Button("Copy link", size="sm", elem_id="link", min_width=120)
            call = gr.Button("Use via API", size="sm", elem_id="call", min_width=120)
        address = gr.Textbox(
            label="Link", visible=False, interactive=False, max_lines=1, buttons=["copy"], elem_id="address"
        )
        lines = gr.Textbox(
            label="This run by the endpoint /steer",
            info="Lines for a shell; docs/api.md has all endpoints, also for Python.",
            visible=False,
            interactive=False,
            lines=5,
            buttons=["copy"],
            elem_id="call-lines",
        )
    return Downloads(saves, inside, mark, hidden_file(), link, address, call, lines)
