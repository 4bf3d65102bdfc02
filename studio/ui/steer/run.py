"""The work of the Steer tab: from the values of the form to a finished run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.goals import PROMPTS
from studio.images.crop import Crop
from studio.queue.app_state import Stream, Task
from studio.runs.events import Outcome, Progress
from studio.runs.kept_run import GONE, KeptRun
from studio.runs.reconstruct import Reconstruction
from studio.runs.request import Request
from studio.runs.retry import retry_message
from studio.ui.events import Updates
from studio.ui.fields import model_input
from studio.ui.job import Fresh, Work, follow
from studio.ui.steer.chain import Chain
from studio.ui.steer.history import HistoryEntry, keep
from studio.ui.steer.inputs import FIRST_CROP, Form
from studio.ui.steer.outputs import Outputs

Size = Callable[[], int]


def steer_work(stream: Stream, form: Form, outputs: Outputs, size: Size) -> Work:
    """The work that `wire_job` calls.

    Args:
        stream: `studio.stream`, or a wrapper around it that a host needs.
        form: holds the request.
        outputs: show the result.
        size: returns the side of the loaded model's pictures.
    """

    def work(
        stop: CancelToken, first: str | None, second: str | None, runs: Sequence[HistoryEntry], live: bool, *values: Any
    ) -> Generator[Updates, None, str]:
        request = Request.checked(form.named(values), first, second, size())
        yield outputs.started(request)
        kept = KeptRun()

        def show(event: Progress | Outcome) -> Updates:
            if isinstance(event, Outcome):
                return outputs.done(event, keep(runs, event), first, kept)
            return outputs.moving(event, live)

        last = yield from follow(outputs.job, stream(Task("steer", request, kept=kept), stop), show)
        if not isinstance(last, Outcome):
            yield {**outputs.fresh(request.start), **outputs.job.without_result()}
            return ""
        return retry_message(request.settings, last.settings)

    return work


def resume_work(stream: Stream, outputs: Outputs) -> Work:
    """The work of Resume: the run that is shown goes on."""

    def work(
        stop: CancelToken,
        kept: KeptRun | None,
        shown: Outcome | None,
        runs: Sequence[HistoryEntry],
        first: str | None,
        chain: Chain,
    ) -> Generator[Updates, None, str]:
        if kept is None or shown is None:
            raise UserError(GONE)

        def show(event: Progress | Outcome) -> Updates:
            if isinstance(event, Outcome):
                return outputs.done(event, keep(runs, event), first, kept, chain[:-1])
            return outputs.moving(event)

        request = Request(shown.settings, shown.before)
        last = yield from follow(outputs.job, stream(Task("resume", request, kept=kept), stop), show)
        if not isinstance(last, Outcome):
            yield outputs.job.without_result()
        return ""

    return work


def reconstruct_work(stream: Stream, form: Form, outputs: Outputs, size: Size) -> Work:
    """The work of the button that measures the reconstruction, whatever the goal is."""

    def work(
        stop: CancelToken, first: str | None, second: str | None, runs: Sequence[HistoryEntry], live: bool, *values: Any
    ) -> Generator[Updates, None, str]:
        named = form.named(values)
        chosen = {name: named[name] for name in ("order", "sampling_steps", "noise_level", "seed", *FIRST_CROP)}
        request = Request.checked({**chosen, "prompt": PROMPTS[0]}, first, None, size())

        def show(event: Progress | Reconstruction) -> Updates:
            return outputs.reconstructed(event) if isinstance(event, Reconstruction) else outputs.moving(event)

        last = yield from follow(outputs.job, stream(Task("reconstruct", request), stop), show)
        if not isinstance(last, Reconstruction):
            yield {**outputs.fresh(request.start), **outputs.job.without_result()}
        return ""

    return work


def steer_fresh(form: Form, outputs: Outputs, size: Size) -> Fresh:
    """What `wire_job` shows while a run starts, and beside an error message."""

    def fresh(first: str | None, second: str | None, runs: Sequence[HistoryEntry], live: bool, *values: Any) -> Updates:
        crop = [form.named(values)[name] for name in FIRST_CROP]
        return outputs.fresh(model_input(first, size(), Crop.clamped(crop)))

    return fresh
