"""Settings of earlier runs: recorded runs, saved files, links, the runs of this session. And saving a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from studio.core.errors import UserError
from studio.core.links import curl, query, read_query
from studio.core.settings import Settings, parse
from studio.export.files import save
from studio.export.metadata import read_settings
from studio.export.photo import save_photo
from studio.export.recordings import Recording
from studio.images.crop import Crop
from studio.queue.app_state import Studio
from studio.runs.events import Outcome
from studio.ui import html
from studio.ui.downloads import written
from studio.ui.events import Updates
from studio.ui.fields import model_input
from studio.ui.steer.history import HistoryEntry, entries
from studio.ui.steer.inputs import Form
from studio.ui.steer.outputs import Downloads, Outputs

_ABSENT = "The settings come without the run's second picture: upload it here, or choose an example below."
_PERHAPS_ANOTHER = "The settings come without the run's second picture: the one shown here may be another."


class RestoreHandlers:
    """Handlers that load earlier settings and save finished runs.

    Args:
        studio: model and its digest.
        form, outputs: the components.
        downloads: the buttons that save and share.
        examples: pictures that a link or a recording may name.
        recordings: by their names.
    """

    def __init__(
        self,
        studio: Studio,
        form: Form,
        outputs: Outputs,
        downloads: Downloads,
        examples: Sequence[Path] = (),
        recordings: Sequence[Recording] = (),
    ) -> None:
        self._studio, self.form, self.outputs, self.downloads = studio, form, outputs, downloads
        # Gradio serves only what lies below the working directory or the system's folder for temporary files
        self._folder = TemporaryDirectory(prefix="studio-examples-")
        self._examples = {path.stem: Path(shutil.copy(path, self._folder.name)) for path in examples}
        self._recordings = {one.name: one for one in recordings}
        self._opening = recordings[0] if recordings else None

    def replay(self, event: gr.EventData) -> Updates:
        """A recorded run: its picture, its settings and its result."""
        name = getattr(event, "name", None)
        recording = self._recordings.get(name) if isinstance(name, str) else None
        if recording is None:
            return {self.outputs.message: html.alert("This recorded run does not exist: load the page again.")}
        pictures: Updates = {self.form.start.image: self._example(recording.image)}
        if recording.second:
            pictures[self.form.goal.second] = gr.Image(
                self._example(recording.second), label=recording.outcome.settings.goal.second_label
            )
        filled = self.form.filled(recording.outcome.settings, self._studio.model.step_range)
        return {**filled, **pictures, **self.outputs.replayed(recording)}

    def restore(self, path: str | None, second: str | None = None) -> Updates:
        """All settings from a PNG or JSON that was saved before."""
        if path is None:
            return {self.outputs.message: ""}
        empty: Updates = {self.form.goal.restore: None}  # so that the next file can be dropped
        try:
            settings = read_settings(path)
        except UserError as error:
            return {**empty, self.outputs.message: html.alert(str(error))}
        return {**empty, **self._loaded(settings, "Settings restored; the image is unchanged.", second)}

    def follow(self, request: gr.Request, second: str | None = None) -> Updates:
        """The page was opened: with a recorded run, or with the settings of its link and no run."""
        try:
            linked = read_query(dict(request.query_params), list(self._examples.values()))
        except UserError as error:
            return {**self.outputs.fresh(None), self.outputs.message: html.alert(str(error))}
        if linked is None:
            # set by this event: a session that was deleted then has no result to save, and never that of another one
            return {self.outputs.shown: self._opening.outcome if self._opening else None}
        taken = self._loaded(linked.settings, "Settings from the link loaded.", second)
        path = str(linked.image) if linked.image else self._example(self._opening.image if self._opening else None)
        picture = model_input(path, self._studio.model.size, Crop.of_first(linked.settings))
        return {**self.outputs.fresh(picture), **taken, self.form.start.image: path}

    def again(self, event: gr.EventData, runs: Sequence[HistoryEntry], second: str | None = None) -> Updates:
        """The settings of an earlier run of this session."""
        wanted = getattr(event, "id", None)
        run = next((one for one in runs if one.id == wanted), None)
        if run is None:
            return {self.outputs.message: html.alert("This run is no longer in the history: choose another one.")}
        return self._loaded(run.outcome.settings, f"Settings of run {run.id} loaded.", second)

    def forget(
        self,
        event: gr.EventData,
        runs: Sequence[HistoryEntry],
        shown: Outcome | None = None,
        path: str | None = None,
        *crop: float,
    ) -> Updates:
        """Delete one run of this session from the history, or all; the panels of a run that is shown are cleared."""
        unwanted = getattr(event, "id", None)
        gone = [run for run in runs if unwanted is None or run.id == unwanted]
        left = tuple(run for run in runs if run not in gone)
        updates: Updates = {self.outputs.runs: left, self.outputs.visit: entries(left)}
        if shown is not None and any(run.shows(shown) for run in gone):
            picture = model_input(path, self._studio.model.size, Crop.clamped(crop))
            updates |= {**self.outputs.fresh(picture), self.outputs.message: ""}
        return updates

    def link(self, path: str | None, *values: Any) -> Updates:
        """The query part of a link to the values of the fields; the browser adds the address."""
        address = self.downloads.address
        try:
            settings = parse(self.form.named(values))
        except UserError as error:
            return {address: gr.Textbox("", visible=False), self.outputs.message: html.alert(str(error))}
        return {address: gr.Textbox(query(settings, self._name_of(path)), visible=True), self.outputs.message: ""}

    def call(self, *values: Any) -> Updates:
        """Shell lines for a run with the values of the fields; the browser adds the address."""
        lines = self.downloads.lines
        try:
            settings = parse(self.form.named(values))
        except UserError as error:
            return {lines: gr.Textbox("", visible=False), self.outputs.message: html.alert(str(error))}
        return {lines: gr.Textbox(curl(settings), visible=True), self.outputs.message: ""}

    def save(self, kind: str, inside: bool, marked: bool, shown: Outcome | None) -> Iterator[Updates]:
        """A file of the run that is shown, or a message without one."""
        file, message = self.downloads.file, self.outputs.message
        if shown is None:
            yield {file: None, message: html.alert("There is no result to save yet: press Run first.")}
        else:
            model = self._studio.model
            yield from written(file, message, lambda to: save(kind, shown, model, to, inside, marked=marked))

    def save_photo(self, inside: bool, marked: bool, shown: Outcome | None, photo: str | None) -> Iterator[Updates]:
        """The photograph of the run that is shown, with the result in it."""
        if shown is not None and photo is not None:
            file, message, model = self.downloads.file, self.outputs.message, self._studio.model
            yield from written(file, message, lambda to: save_photo(shown, photo, model, to, inside, marked=marked))

    def _loaded(self, settings: Settings, sentence: str, second: str | None) -> Updates:
        tabs = settings.goal.tabs
        if "steer" not in tabs:
            sentence = f"These settings belong to a {tabs[0]}: enter them in the {tabs[0].title()} tab."
            return {self.outputs.message: html.alert(sentence)}
        filled = self.form.filled(settings, self._studio.model.step_range)
        missing = settings.needs_second_picture and second is None
        if settings.needs_second_picture:
            filled[self.form.goal.second_note] = html.note(_ABSENT if missing else _PERHAPS_ANOTHER)
        then = "Add the second picture, then press Run." if missing else "Press Run."
        return {**filled, self.outputs.message: html.note(f"{sentence} {then}")}

    def _example(self, stem: str | None) -> str | None:
        path = self._examples.get(stem or "")
        return str(path) if path else None

    def _name_of(self, path: str | None) -> str | None:
        """The name of the example with the same bytes as this file, if there is one."""
        if path is None:
            return None
        data = Path(path).read_bytes()
        return next((stem for stem, example in self._examples.items() if example.read_bytes() == data), None)
