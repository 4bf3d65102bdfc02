"""The work of a chain of edits: the next edit, Undo, and the strength of the latest one."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any

import gradio as gr

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain
from studio.core.settings import parse
from studio.images.crop import Crop
from studio.queue.app_state import Stream, Task
from studio.queue.cancel import CancelTokens
from studio.runs.events import Outcome, Progress
from studio.runs.kept_run import KeptRun
from studio.runs.request import Request, check_texts
from studio.server.client import client_address
from studio.ui import html
from studio.ui.events import Updates
from studio.ui.fields import model_input
from studio.ui.job import Work, follow
from studio.ui.steer.chain import STRONGEST, Chain, Edited
from studio.ui.steer.history import HistoryEntry, keep
from studio.ui.steer.inputs import Form
from studio.ui.steer.outputs import Outputs
from studio.ui.steer.run import Size


def further_work(stream: Stream, form: Form, outputs: Outputs, run: Work) -> Work:
    """The work of “Edit further”: the next edit of a chain; where none can go on, a run from the picture.

    Args:
        stream: `studio.stream`, or a wrapper around it.
        form: holds the request.
        outputs: show the result.
        run: the work of Run.
    """

    def work(
        stop: CancelToken,
        chain: Chain,
        first: str | None,
        second: str | None,
        runs: Sequence[HistoryEntry],
        live: bool,
        *values: Any,
    ) -> Generator[Updates, None, str]:
        settings = parse(form.named(values))
        if not (chain and chain[-1].kept.chains and settings.goal.keeps):
            return (yield from run(stop, first, second, runs, live, *values))
        before, kept = chain[-1].kept, KeptRun()
        request = before.next_request(settings)
        check_texts(settings)

        def show(event: Progress | Outcome) -> Updates:
            if isinstance(event, Outcome):
                return outputs.done(event, keep(runs, event), first, kept, chain)
            return outputs.moving(event, live)

        last = yield from follow(outputs.job, stream(Task("steer", request, kept=kept, after=before), stop), show)
        if not isinstance(last, Outcome):
            yield outputs.job.without_result()
        return ""

    return work


def _checked(strength: object) -> float:
    if not isinstance(strength, int | float) or not 0 <= strength <= STRONGEST:
        raise UserError(f"Strength: give a number from 0 to {STRONGEST}, but it is another value.")
    return float(strength)


class ChainHandlers:
    """Undo, and the strength of the latest edit.

    Args:
        stream, outputs: as for `steer_work`.
        tokens: of all visitors.
        size: returns the side of the loaded model's pictures.
    """

    def __init__(self, stream: Stream, outputs: Outputs, tokens: CancelTokens, size: Size) -> None:
        self._stream, self._outputs, self._tokens, self._size = stream, outputs, tokens, size

    def undo(self, chain: Chain, first: str | None, *crop: float) -> Updates:
        """The edit before, or the picture without an edit."""
        if len(chain) < 2:
            return self._outputs.fresh(model_input(first, self._size(), Crop.clamped(crop)))
        last = chain[-2]
        return self._outputs.result_of(last.outcome, first, last.kept, chain[:-1])

    def set_strength(self, request: gr.Request, strength: float, chain: Chain, first: str | None) -> Iterator[Updates]:
        """The latest edit at another strength."""
        outputs = self._outputs
        if not chain or self._tokens.running(outputs.job.key(request)):
            yield {outputs.job.status: gr.skip()}
            return
        last, stop = chain[-1], self._tokens.new_token(client_address(request))
        asked = Request(last.outcome.settings, last.outcome.before)
        try:
            task = Task("strength", asked, kept=last.kept, strength=_checked(strength))
            for event in self._stream(task, stop):
                if isinstance(event, Outcome):
                    changed = (*chain[:-1], Edited(event, last.kept))
                    shown = outputs.result_of(event, first, last.kept, changed)
                    del shown[outputs.chain.strength]  # it may have been moved on meanwhile
                    yield shown
                else:
                    yield outputs.job.unchanged()
        except Exception as error:
            yield {outputs.message: html.alert(explain(error))}
