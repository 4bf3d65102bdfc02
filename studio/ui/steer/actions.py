"""What Run and Stop do: each handler is a thin adapter between components and the parts below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from studio import words
from studio.events import Event, Outcome, Waiting
from studio.messages import explain
from studio.page_inputs import Form, Updates
from studio.page_outputs import Outputs
from studio.page_visitor import visitor_address, visitor_name
from studio.request import Request
from studio.second_try import said
from studio.shared import Studio
from studio.stops import Flag
from studio.visit import Kept, keep

Stream = Callable[[Request, Flag], Iterator[Event | None]]


class Actions:
    """The main job of one page.

    Args:
        studio: what visitors share.
        stream: `studio.stream`, or a wrapper around it that a host needs.
        form, outputs: what is asked, and where it is answered.
    """

    def __init__(self, studio: Studio, stream: Stream, form: Form, outputs: Outputs) -> None:
        self._studio, self.stream = studio, stream
        self.form, self.outputs = form, outputs

    def begin(self, visitor: gr.Request) -> Updates:
        """Run was pressed: answer at once, before the queue."""
        self._studio.stops.arm(visitor_name(visitor), visitor_address(visitor))
        return self.outputs.waiting()

    def run(
        self, visitor: gr.Request, first: str | None, second: str | None, runs: Sequence[Kept], *values: Any
    ) -> Iterator[Updates]:
        """One run, streamed. Whatever goes wrong becomes one sentence; image and settings stay."""
        stop = self._studio.stops.arm(visitor_name(visitor), visitor_address(visitor))
        try:
            request = Request.checked(self.form.named(values), first, second, self._studio.model.size)
            yield from self._watch(request, stop, runs, first)
        except Exception as error:
            yield self.outputs.failed(explain(error))

    def halt(self, visitor: gr.Request) -> Updates:
        """Stop was pressed; the run itself ends a network call later and keeps its best picture."""
        self._studio.stops.halt(visitor_name(visitor))
        return self.outputs.stopping()

    def end(self, visitor: gr.Request) -> Updates:
        """The run is over, however it ended."""
        self._studio.stops.drop(visitor_name(visitor))
        return self.outputs.ready()

    def _watch(self, request: Request, stop: Flag, runs: Sequence[Kept], first: str | None) -> Iterator[Updates]:
        finished, used = False, request.settings
        for event in self.stream(request, stop):
            if event is None:
                yield self.outputs.unchanged()
            elif isinstance(event, Waiting):
                yield self.outputs.in_line(event)
            elif isinstance(event, Outcome):
                finished, used = True, event.settings
                yield self.outputs.done(event, keep(runs, event), first)
            else:
                yield self.outputs.moving(event)
        if not finished:
            yield self.outputs.nothing_kept()
        if notes := " ".join(filter(None, (said(request.settings, used), stop.why()))):
            yield {self.outputs.message: words.note(notes)}
