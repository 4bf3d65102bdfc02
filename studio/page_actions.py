"""What happens on the page: each handler is a thin adapter between components and the parts below."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from studio import words
from studio.events import Event, Outcome, Waiting
from studio.goals import SECOND_LABEL
from studio.messages import UserError, explain
from studio.page_inputs import COST_FIELDS, Wishes
from studio.page_outputs import VIEW, Outputs, Updates
from studio.pictures import enlarge, load_picture
from studio.presets import PRESETS
from studio.record import read_settings
from studio.request import Request
from studio.settings import LARGEST_SEED, NEEDS_PROMPT, NEEDS_SECOND_PICTURE, LossName, parse
from studio.shared import Studio
from studio.stops import Flag

Stream = Callable[[Request, Flag], Iterator[Event | None]]


class Actions:
    """Handlers of one page.

    Args:
        studio: what visitors share.
        stream: `studio.stream`, or a wrapper around it that a host needs.
        wishes, outputs: the page's second and third column.
    """

    def __init__(self, studio: Studio, stream: Stream, wishes: Wishes, outputs: Outputs) -> None:
        self._studio, self.stream = studio, stream
        self.wishes, self.outputs = wishes, outputs

    def begin(self, visitor: gr.Request) -> Updates:
        """Run was pressed: answer at once, before the queue."""
        self._studio.stops.arm(_name(visitor))
        return self.outputs.waiting()

    def run(self, visitor: gr.Request, first: str | None, second: str | None, *values: Any) -> Iterator[Updates]:
        """One run, streamed. Whatever goes wrong becomes one sentence; image and settings stay."""
        stop = self._studio.stops.arm(_name(visitor))
        try:
            named = dict(zip(self.wishes.fields, values, strict=True))
            request = Request.checked(named, first, second, self._studio.model.size)
            yield from self._watch(request, stop)
        except Exception as error:
            yield self.outputs.failed(explain(error))

    def halt(self, visitor: gr.Request) -> Updates:
        """Stop was pressed; the run itself ends a network call later and keeps its best picture."""
        self._studio.stops.halt(_name(visitor))
        return self.outputs.stopping()

    def end(self, visitor: gr.Request) -> Updates:
        """The run is over, however it ended."""
        self._studio.stops.drop(_name(visitor))
        return self.outputs.ready()

    def look(self, visitor: gr.Request, path: str | None) -> Updates:
        """A new image: say at once if it cannot be used, else show it as the model sees it."""
        if path is None or self._studio.stops.running(_name(visitor)):
            return {self.outputs.message: ""}
        try:
            seen = load_picture(path, self._studio.model.size)
        except UserError as error:
            return {self.outputs.message: words.alert(str(error))}
        return {self.outputs.message: "", self.outputs.live: enlarge(seen, VIEW)}

    def choose_goal(self, goal: LossName) -> Updates:
        """Show what this goal needs, and nothing else."""
        label = SECOND_LABEL.get(goal)
        return {
            self.wishes.second_box: gr.Column(visible=goal in NEEDS_SECOND_PICTURE),
            self.wishes.second: gr.Image(label=label) if label else gr.skip(),
            self.wishes.prompt_box: gr.Column(visible=goal in NEEDS_PROMPT),
            self.outputs.message: "",
            self.wishes.source_box: gr.Column(visible=goal == "clip_directional"),
        }

    def choose_preset(self, preset: str | None) -> Updates:
        """Move the sliders that the preset names."""
        values = PRESETS.get(preset or "", {})
        return {self.wishes.fields[field]: value for field, value in values.items()}

    def forecast(self, *values: Any) -> str:
        """What a run would cost; nothing where the settings are not yet complete."""
        try:
            settings = parse(dict(zip(COST_FIELDS, values, strict=True)))
        except UserError:
            return ""
        return words.expected(self._studio.forecast(settings))

    def roll(self) -> int:
        """A fresh seed."""
        return secrets.randbelow(LARGEST_SEED + 1)

    def restore(self, path: str) -> Updates:
        """All settings from a PNG that was saved here."""
        try:
            settings = read_settings(path)
        except UserError as error:
            return {self.outputs.message: words.alert(str(error))}
        values: Updates = {field: getattr(settings, name) for name, field in self.wishes.fields.items()}
        note = words.note("Settings restored: the image itself is the one on the left.")
        return {**values, self.wishes.preset: None, self.outputs.message: note}

    def _watch(self, request: Request, stop: Flag) -> Iterator[Updates]:
        finished = False
        for event in self.stream(request, stop):
            if event is None:
                yield self.outputs.unchanged()
            elif isinstance(event, Waiting):
                yield self.outputs.in_line(event)
            elif isinstance(event, Outcome):
                finished = True
                with TemporaryDirectory() as folder:  # Gradio copies the files when the update leaves
                    yield self.outputs.done(event, self._studio.model, Path(folder))
            else:
                yield self.outputs.moving(event)
        if not finished:
            yield self.outputs.nothing_kept()


def _name(visitor: gr.Request) -> str:
    return visitor.session_hash or "local"
