"""The runs of a tab: Run and Stop, progress, queue position and errors. Every tab uses this file.

Gradio does not keep these rules by itself:

    only the end of a run enables Run again   Gradio ignores a click while an earlier one is pending
    Stop sets a token, no event is cancelled  cancelling frees the queue while the device still computes
    one run at a time uses the device         the others wait in one queue, and the page shows their position
    a run over its time limit is stopped      its token holds the sentence to show
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.core.errors import explain
from studio.queue.cancel import CancelTokens
from studio.queue.device import CONCURRENT_RUNS
from studio.runs.events import Waiting
from studio.server.client import client_address, session_name
from studio.ui import html
from studio.ui.events import QUEUED, QUICK, Updates

Work = Callable[..., Generator[Updates, None, str]]
"""(token, *values of the inputs) -> updates; returns a note for the end, or "". An exception becomes a message."""

Fresh = Callable[..., Updates]
"""(*values of the inputs) -> every panel of a result without a result, so that none shows that of another run."""

# the answer to a click, before the server's; on a phone the result is below the settings: scroll to it
_ANSWER = """() => {
  if (innerWidth < 769) document.querySelector('#%sstatus').scrollIntoView({behavior: 'smooth'});
  return %s;
}"""
_RUNNING, _STARTING = "Running…", "Starting…"
_FAILED = "Run failed: see the message below"
_NO_RESULT = "Stopped before the first step, so there is no new result."


@dataclass(frozen=True)
class Job:
    """The components of a job; the ids of their elements begin with `prefix`.

    `others` are buttons that start a job of their own with the same Stop, status and message; one works at a time.
    """

    prefix: str
    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    message: gr.HTML
    announcement: gr.HTML
    others: tuple[gr.Button, ...] = ()

    @property
    def components(self) -> list[Block]:
        """All of them."""
        return [*self.buttons, self.status, self.message, self.announcement]

    @property
    def buttons(self) -> list[Block]:
        """Those that a job enables and disables."""
        return [self.run, self.stop, *self.others]

    def key(self, request: gr.Request) -> str:
        """The name of this job in this session, for `CancelTokens`."""
        return f"{session_name(request)}:{self.prefix}"

    def unchanged(self) -> Updates:
        """No change; Gradio ends the run here if the page was closed."""
        return {self.status: gr.skip()}

    def queued(self, ahead: int) -> Updates:
        """The position in the queue."""
        return {self.status: html.progress_bar(html.position(ahead))}

    def over(self, sentence: str, fraction: float = 1.0) -> Updates:
        """The end of a run, also for a screen reader."""
        return {self.status: html.progress_bar(sentence, fraction), self.announcement: sentence}

    def without_result(self) -> Updates:
        """The end of a run that was stopped before it had a result."""
        return self.over(_NO_RESULT, 0.0)


def job_row(prefix: str, label: str, status: str = "", others: Sequence[gr.Button] = ()) -> Job:
    """Run, Stop, progress bar and message.

    Args:
        prefix: of the ids of their elements.
        label: of Run.
        status: HTML of the progress bar before the first run.
        others: further buttons of the job (see `Job`); those that are not rendered yet follow Stop.
    """
    with gr.Row(elem_classes="job", elem_id=f"{prefix}go"):
        run = gr.Button(label, variant="primary", elem_id=f"{prefix}run", scale=3, min_width=120)
        stop = gr.Button("Stop", variant="stop", interactive=False, elem_id=f"{prefix}stop", scale=1, min_width=90)
        for button in others:
            if not button.is_rendered:
                button.render()  # type: ignore[no-untyped-call]
    begin = status or html.progress_bar(f"Ready: press {label}")
    shown = gr.HTML(begin, elem_id=f"{prefix}status", elem_classes="plain")
    message = gr.HTML("", elem_id=f"{prefix}message", elem_classes="plain message")
    announcement = gr.HTML(
        "", elem_id=f"{prefix}announcement", elem_classes="unseen", html_template='<span role="status">${value}</span>'
    )
    return Job(prefix, run, stop, shown, message, announcement, tuple(others))


class JobHandlers:
    """What happens when Run or Stop is pressed."""

    def __init__(self, job: Job, cancel_tokens: CancelTokens, work: Work, fresh: Fresh) -> None:
        self._job, self._tokens, self._work, self._fresh = job, cancel_tokens, work, fresh
        self._label = job.run.value

    def _begun(self, *values: Any) -> Updates:
        """The page's answer to the click: the result before is cleared."""
        return {
            **self._fresh(*values),
            self._job.run: gr.Button(_RUNNING, interactive=False),
            self._job.stop: gr.Button(interactive=True),
            **dict.fromkeys(self._job.others, gr.Button(interactive=False)),
            self._job.status: html.progress_bar(_STARTING),
            self._job.message: "",
            self._job.announcement: "Run started.",
        }

    def run(self, request: gr.Request, *values: Any) -> Iterator[Updates]:
        """A run; an exception becomes one sentence, without a picture of any run beside it."""
        token = self._tokens.register(self._job.key(request), client_address(request))
        try:
            yield self._begun(*values)
            note = yield from self._work(token, *values)
            if notes := " ".join(filter(None, (note, token.why()))):
                yield {self._job.message: html.note(notes)}
        except Exception as error:
            failed: Updates = {
                self._job.status: html.progress_bar(_FAILED),
                self._job.message: html.alert(explain(error)),
            }
            yield {**self._fresh(*values), **failed}

    def stop(self, request: gr.Request) -> Updates:
        """Stop was pressed: the run ends after its current network call, and keeps its best result."""
        self._tokens.cancel(self._job.key(request))
        return {self._job.stop: gr.Button("Stopping…", interactive=False)}

    def end(self, request: gr.Request) -> Updates:
        """The run is over, however it ended."""
        self._tokens.release(self._job.key(request))
        return {
            self._job.run: gr.Button(self._label, interactive=True),
            self._job.stop: gr.Button("Stop", interactive=False),
            **dict.fromkeys(self._job.others, gr.Button(interactive=True)),
        }


def wire_job(
    job: Job,
    cancel_tokens: CancelTokens,
    work: Work,
    fresh: Fresh,
    inputs: Sequence[Block],
    outputs: Sequence[Block],
    start: gr.Button | None = None,
) -> Any:
    """Have a button call `fresh` and then `work` on the inputs' values, and show their updates in the outputs.

    Args:
        job: the components.
        cancel_tokens: of all visitors.
        work: see `Work`.
        fresh: see `Fresh`.
        inputs: components whose values both get.
        outputs: components that both may update, beside those of the job.
        start: one of the job's other buttons; Run if None.

    Returns:
        The event at the end of a run, for what follows it.
    """
    handlers = JobHandlers(job, cancel_tokens, work, fresh)
    shown = [*job.components, *outputs]
    button = start or job.run
    answer = [gr.update(value=_RUNNING, interactive=False), html.progress_bar(_STARTING)]
    button.click(None, None, [job.run, job.status], js=_ANSWER % (job.prefix, json.dumps(answer)), **QUICK)
    running = button.click(handlers.run, list(inputs), shown, concurrency_limit=CONCURRENT_RUNS, **QUEUED)
    if start is None:
        job.stop.click(handlers.stop, None, job.stop, **QUICK)
    return running.then(handlers.end, None, job.buttons, **QUICK)


def follow(job: Job, events: Iterable[Any], show: Callable[[Any], Updates]) -> Generator[Updates, None, Any]:
    """Updates for the events of a run: its position while it waits, then `show` of each event.

    Returns:
        The last event; None for a run that was stopped while it waited.
    """
    last = None
    for event in events:
        if event is None:
            yield job.unchanged()
        elif isinstance(event, Waiting):
            yield job.queued(event.ahead)
        else:
            last = event
            yield show(event)
    return last
