"""What Run and Stop do: each handler is a thin adapter between components and the parts below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from studio.core.cancellation import CancelToken
from studio.core.errors import explain
from studio.queue.app_state import Stream, Studio, Task
from studio.runs.events import Outcome, Waiting
from studio.runs.request import Request
from studio.runs.retry import retry_message
from studio.server.visitor import visitor_address, visitor_name
from studio.ui import html
from studio.ui.steer.history import HistoryEntry, keep
from studio.ui.steer.inputs import Form, Updates
from studio.ui.steer.outputs import Outputs


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
        self._studio.cancel_tokens.register(visitor_name(visitor), visitor_address(visitor))
        return self.outputs.waiting()

    def run(
        self, visitor: gr.Request, first: str | None, second: str | None, runs: Sequence[HistoryEntry], *values: Any
    ) -> Iterator[Updates]:
        """One run, streamed. Whatever goes wrong becomes one sentence; image and settings stay."""
        stop = self._studio.cancel_tokens.register(visitor_name(visitor), visitor_address(visitor))
        try:
            request = Request.checked(self.form.named(values), first, second, self._studio.model.size)
            yield from self._watch(request, stop, runs, first)
        except Exception as error:
            yield self.outputs.failed(explain(error))

    def halt(self, visitor: gr.Request) -> Updates:
        """Stop was pressed; the run itself ends a network call later and keeps its best picture."""
        self._studio.cancel_tokens.cancel(visitor_name(visitor))
        return self.outputs.stopping()

    def end(self, visitor: gr.Request) -> Updates:
        """The run is over, however it ended."""
        self._studio.cancel_tokens.release(visitor_name(visitor))
        return self.outputs.ready()

    def _watch(
        self, request: Request, stop: CancelToken, runs: Sequence[HistoryEntry], first: str | None
    ) -> Iterator[Updates]:
        finished, used = False, request.settings
        for event in self.stream(Task("steer", request), stop):
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
        if notes := " ".join(filter(None, (retry_message(request.settings, used), stop.why()))):
            yield {self.outputs.message: html.note(notes)}
