"""A job of a tab: Run and Stop, a progress bar, and the wiring that lets one visitor run and stop it again and again.

The rules that every job keeps, because Gradio does not:

    only the job's own end may enable Run again     a click while it is still pending would be swallowed
    Stop sets a flag and never cancels the event    cancelling gives the queue's slot away while the solver works
    one job at a time holds the device              all wait in one line, which tells them their place
    a job that took too long was stopped            and its flag knows the sentence that says so
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.core.errors import explain
from studio.queue.cancel import CancelTokens
from studio.server.visitor import visitor_address, visitor_name
from studio.ui import html
from studio.ui.steer.wiring import IN_LINE

Updates = dict[Block, Any]
Work = Callable[..., Iterator[Updates]]
"""(stop flag, *values of the inputs) -> updates; what it raises is shown as one sentence."""

PLUMBING: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

# on a phone the result is below the settings: bring it into view when the job starts
_SHOW = "() => {{ if (innerWidth < 769) document.querySelector('#{name}-status').scrollIntoView() }}"


@dataclass(frozen=True)
class Job:
    """The row of a job. `name` sets its parts apart from those of other tabs."""

    name: str
    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    message: gr.HTML
    announcement: gr.HTML

    @property
    def parts(self) -> list[Block]:
        """Every component of the row."""
        return [part for one in fields(self) if isinstance(part := getattr(self, one.name), Block)]

    def unchanged(self) -> Updates:
        """Nothing to show, but a moment at which a closed tab ends the job."""
        return {self.status: gr.skip()}

    def moving(self, text: str, fraction: float, detail: str = "") -> Updates:
        """The progress bar on its way."""
        return {self.status: html.progress_bar(text, fraction, detail)}

    def over(self, sentence: str, fraction: float = 1.0) -> Updates:
        """The end, also for a screen reader."""
        return {self.status: html.progress_bar(sentence, fraction), self.announcement: sentence}


def job_row(name: str, label: str) -> Job:
    """Run, Stop and what they say; `label` is Run's."""
    with gr.Row(elem_classes="job", elem_id=f"{name}-go"):
        run = gr.Button(label, variant="primary", elem_id=f"{name}-run", scale=2, min_width=120)
        stop = gr.Button("Stop", variant="stop", interactive=False, elem_id=f"{name}-stop", scale=1, min_width=90)
    status = gr.HTML(html.progress_bar(f"Ready: press {label}"), elem_id=f"{name}-status", elem_classes="plain")
    message = gr.HTML("", elem_id=f"{name}-message", elem_classes="plain message")
    announcement = gr.HTML(
        "", elem_id=f"{name}-announcement", elem_classes="unseen", html_template='<span role="status">${value}</span>'
    )
    return Job(name, run, stop, status, message, announcement)


def wire_job(
    job: Job, cancel_tokens: CancelTokens, work: Work, inputs: Sequence[Block], outputs: Sequence[Block]
) -> None:
    """Run runs the work on the inputs' values and streams its updates into the outputs; Stop ends it early."""
    label = job.run.value

    def key(visitor: gr.Request) -> str:
        return f"{visitor_name(visitor)}:{job.name}"

    def begin(visitor: gr.Request) -> Updates:
        cancel_tokens.register(key(visitor), visitor_address(visitor))
        return {
            job.run: gr.Button("Running…", interactive=False),
            job.stop: gr.Button(interactive=True),
            job.message: "",
            **job.moving("Waiting for the device…", 0.0),
        }

    def go(visitor: gr.Request, *values: Any) -> Iterator[Updates]:
        stop = cancel_tokens.register(key(visitor), visitor_address(visitor))
        try:
            yield from work(stop, *values)
            if why := stop.why():
                yield {job.message: html.note(why)}
        except Exception as error:
            yield {job.message: html.alert(explain(error)), **job.over("Nothing is running", 0.0)}

    def halt(visitor: gr.Request) -> Updates:
        cancel_tokens.cancel(key(visitor))
        return {job.stop: gr.Button("Stopping…", interactive=False)}

    def end(visitor: gr.Request) -> Updates:
        cancel_tokens.release(key(visitor))
        return {job.run: gr.Button(label, interactive=True), job.stop: gr.Button("Stop", interactive=False)}

    running = job.run.click(begin, None, job.parts, **PLUMBING).then(
        go,
        list(inputs),
        [*job.parts, *outputs],
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=IN_LINE,
    )
    running.then(end, None, [job.run, job.stop], **PLUMBING)
    job.stop.click(halt, None, job.stop, **PLUMBING)
    job.run.click(None, js=_SHOW.format(name=job.name), **PLUMBING)
