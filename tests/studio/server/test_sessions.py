"""Visits on a page that is really served: one address makes many, and nobody else loses theirs."""

from collections.abc import Iterator
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.exceptions import HTTPException

from studio.queue.cancel import CancelTokens
from studio.server import sessions as page_sessions
from studio.server.gradio_internals import session_ids, waiting_answers
from studio.server.sessions import Sessions
from studio.ui.blocks import Blocks


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str]]:
    monkeypatch.setattr(page_sessions, "SESSIONS", 5)
    with Blocks() as blocks:
        count, said = gr.State(0), gr.Textbox()
        button = gr.Button()
        button.click(lambda n: (n + 1, str(n + 1)), count, [count, said], api_name="count", queue=False)
        button.click(lambda: "x" * 1000, None, said, api_name="long")
        blocks.cleaner.on_unload(CancelTokens())
    _, url, _ = blocks.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield blocks, f"{url}gradio_api/"
    blocks.close()


def count(url: str, session: str) -> str:
    answer: str = httpx.post(f"{url}run/count", json={"data": [None], "session_hash": session}).json()["data"][-1]
    return answer


def test_who_makes_many_visits_loses_their_own(served: tuple[Any, str]) -> None:
    blocks, url = served
    sessions = Sessions(blocks, blocks.cleaner)
    sessions.admit("honest", "9.9.9.9")
    assert count(url, "honest") == "1"
    for k in range(20):
        sessions.admit(f"greedy-{k}", "6.6.6.6")
        count(url, f"greedy-{k}")
    assert len(session_ids(blocks)) < 5
    assert count(url, "honest") == "2"


def test_answers_that_nobody_fetches_have_an_end(served: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    blocks, url = served
    sessions = Sessions(blocks, blocks.cleaner, unread=12)
    long = next(fn._id for fn in blocks.fns.values() if fn.api_name == "long")

    def ask() -> None:
        for _ in range(30):
            sessions.admit("greedy", "6.6.6.6")
            httpx.post(f"{url}queue/join", json={"data": [], "fn_index": long, "session_hash": "greedy"})

    with pytest.raises(HTTPException, match="fetch them first"):
        ask()
    sessions.admit("honest", "9.9.9.9")
    monkeypatch.setattr(page_sessions, "_STALE", -1.0)
    sessions.admit("another", "6.6.6.6")  # what was left behind long ago makes room
    assert waiting_answers(blocks)["greedy"] < 12
