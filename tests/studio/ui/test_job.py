"""Run and Stop of any tab, called as Gradio calls them, without a browser."""

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.queue.cancel import CancelTokens
from studio.runs.events import Waiting
from studio.ui.job import Job, JobHandlers, follow, job_row

CLIENT: Any = SimpleNamespace(session_hash="me")


@pytest.fixture(scope="module")
def job() -> Job:
    with gr.Blocks():
        return job_row("task-", "Start")


def handlers(job: Job, work: Any) -> JobHandlers:
    return JobHandlers(job, CancelTokens(), work, lambda *values: {job.announcement: "cleared"})


def test_a_note_and_the_reason_of_a_stop_are_shown_together(job: Job) -> None:
    def work(stop: CancelToken) -> Generator[Any, None, str]:
        stop.set("The time was over.")
        yield job.unchanged()
        return "Made with fewer steps."

    *_, last = handlers(job, work).run(CLIENT)
    assert "Made with fewer steps. The time was over." in last[job.message]
    assert 'class="note"' in last[job.message]


def test_the_other_buttons_of_a_job_are_disabled_with_run() -> None:
    with gr.Blocks():
        more = gr.Button("More")
        job = job_row("task-", "Start", others=[more])
    both = handlers(job, lambda stop: iter(()))
    assert not next(both.run(CLIENT))[more].interactive
    assert both.end(CLIENT)[more].interactive
    assert more in job.buttons


def test_run_is_disabled_from_its_click_to_the_end_of_the_run(job: Job) -> None:
    both = handlers(job, lambda stop: iter(()))
    begun, ended = next(both.run(CLIENT)), both.end(CLIENT)
    assert (begun[job.run].interactive, begun[job.stop].interactive) == (False, True)
    assert (ended[job.run].interactive, ended[job.stop].interactive) == (True, False)
    assert ended[job.run].value == "Start"


@pytest.mark.parametrize(
    ("error", "sentence"), [(UserError("Choose a picture."), "Choose a picture."), (RuntimeError("/srv"), "incident")]
)
def test_a_failure_is_one_sentence(job: Job, error: Exception, sentence: str) -> None:
    def work(stop: CancelToken) -> Generator[Any, None, str]:
        raise error
        yield

    _, updates = handlers(job, work).run(CLIENT)
    assert sentence in updates[job.message]
    assert "/srv" not in updates[job.message]
    assert "Run failed" in updates[job.status]
    assert updates[job.announcement] == "cleared"


def test_two_jobs_of_a_session_have_tokens_of_their_own(job: Job) -> None:
    with gr.Blocks():
        other = job_row("other-", "Start")
    assert job.key(CLIENT) != other.key(CLIENT)


def test_a_run_reports_its_position_then_its_events_and_returns_the_last(job: Job) -> None:
    last: list[Any] = []

    def work(events: list[Any]) -> Generator[Any, None, None]:
        last.append((yield from follow(job, iter(events), lambda event: {job.status: event})))

    updates = [one[job.status] for one in work([Waiting(2), None, "a", None, "b"])]
    assert last == ["b"]
    assert "2 runs before yours" in updates[0]
    assert [one for one in updates if one in ("a", "b")] == ["a", "b"]


def test_every_id_of_a_job_begins_with_its_prefix(job: Job) -> None:
    assert [part.elem_id for part in job.components] == [
        f"task-{name}" for name in ("run", "stop", "status", "message", "announcement")
    ]
