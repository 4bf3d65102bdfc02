import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from studio.gate import Gate, Intake, intake

SMALL = Intake(file=200_000, message=1000, minute=300_000)


async def reads_all(scope: Any, receive: Any, send: Any) -> None:
    """An app that reads the body and says how long it was."""
    total, more = 0, True
    while more:
        message = await receive()
        total, more = total + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(total).encode()})


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: after tests in a browser this one has an event loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def ask(app: Any, method: str, path: str, **what: Any) -> httpx.Response:
    async def one() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.request(method, path, **what)

    answer: httpx.Response = finished(one())
    return answer


def in_pieces(total: int) -> Callable[[], Any]:
    async def pieces() -> Any:
        for _ in range(total // 1000):
            yield bytes(1000)

    return pieces


def test_what_fits_passes_and_every_answer_says_how_to_take_it() -> None:
    answer = ask(Gate(reads_all, SMALL), "POST", "/gradio_api/queue/join", content=bytes(900))
    assert (answer.status_code, answer.text) == (200, "900")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/call/steer", "/login"])
def test_a_long_message_is_refused_by_what_it_says_of_itself(path: str) -> None:
    answer = ask(Gate(reads_all, SMALL), "POST", path, content=bytes(1001))
    assert (answer.status_code, answer.json()) == (413, {"detail": "This is too large."})


def test_a_message_that_does_not_say_how_long_it_is_is_counted() -> None:
    gate = Gate(reads_all, SMALL)
    assert ask(gate, "POST", "/gradio_api/call/steer", content=in_pieces(3000)()).status_code == 413
    assert ask(gate, "POST", "/gradio_api/upload", content=in_pieces(100_000)()).text == "100000"
    assert ask(gate, "POST", "/gradio_api/upload", content=in_pieces(300_000)()).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 40, "12, 12"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    answer = ask(Gate(reads_all, SMALL), "POST", "/login", headers={"content-length": length}, content=b"x")
    assert answer.status_code == 413


def test_uploads_of_a_minute_have_a_limit_and_the_next_minute_is_a_new_one() -> None:
    now = [0.0]
    gate = Gate(reads_all, SMALL, clock=lambda: now[0])
    for status in (200, 200, 429):
        answer = ask(gate, "POST", "/gradio_api/upload", content=bytes(180_000))
        assert answer.status_code == status
    assert answer.json() == {"detail": "Many pictures are being uploaded at the moment: try again in a minute."}
    now[0] = 61
    assert ask(gate, "POST", "/gradio_api/upload", content=bytes(180_000)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/gradio_api/proxy=http://a/", "/gradio_api/vibe-edit", "/monitoring", "/gradio_api/file=http://a/b"]
)
def test_what_is_not_used_is_closed(path: str) -> None:
    answer = ask(Gate(reads_all, SMALL), "GET", path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "There is nothing at this address."})


def test_an_upload_may_have_the_name_of_what_is_closed() -> None:
    assert ask(Gate(reads_all, SMALL), "GET", "/gradio_api/file=/tmp/gradio/monitoring/vibe.png").status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/gradio_api/queue/join", 400, "This request is not one that the page"),
        ("/gradio_api/startup-events", 500, "Something went wrong on the server (incident "),
    ],
)
def test_a_failure_is_one_sentence(path: str, status: int, sentence: str, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("/home/somebody/secret")

    with caplog.at_level(logging.ERROR):
        answer = ask(Gate(broken), "GET", path)
    assert answer.status_code == status
    assert sentence in answer.json()["detail"]
    assert "secret" not in answer.text


def test_a_failure_in_the_middle_of_an_answer_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Any] = []

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        raise ValueError("half way")

    async def run() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        await Gate(broken)({"type": "http", "path": "/", "headers": []}, _nothing, send)

    with caplog.at_level(logging.ERROR):
        finished(run())
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert "half way" in caplog.text


def test_a_stream_that_fails_ends_with_an_event_that_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        raise KeyError("/home/somebody/secret")

    with caplog.at_level(logging.ERROR):
        answer = ask(Gate(broken), "GET", "/gradio_api/call/steer/nobody")
    assert answer.text.startswith('event: error\ndata: "This request is not one')
    assert "secret" not in answer.text


async def _nothing() -> Any:
    return {"type": "http.request"}


def test_other_kinds_of_connection_are_not_looked_at() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    finished(Gate(app)({"type": "lifespan"}, _nothing, _nothing))  # type: ignore[arg-type]
    assert seen == ["lifespan"]


def test_in_public_less_is_taken_in() -> None:
    home, public = intake(False), intake(True)
    assert public.file < home.file
    assert public.message < home.message
    assert public.minute < home.minute
