import asyncio
import errno
import json
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from studio.server import middleware as gate_module
from studio.server.body import NOT_OURS, Refused
from studio.server.middleware import RequestLimits, RequestMiddleware, request_limits

SMALL = RequestLimits(file=200_000, message=1000, minute=300_000)


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


def form(size: int, name: str = "a.png", field: str = "files", parts: int = 1) -> tuple[bytes, dict[str, str]]:
    """An upload of so many bytes altogether, and its headers."""
    head = f'--B\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
    each = max((size - 7) // parts - len(head) - 2, 0)
    body = (head + bytes(each) + b"\r\n") * parts + b"--B--\r\n"
    return body, {"content-type": "multipart/form-data; boundary=B"}


def upload(gate: Any, size: int, **what: Any) -> httpx.Response:
    body, headers = form(size, **what)
    return ask(gate, "POST", "/gradio_api/upload", content=body, headers=headers)


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
    message = json.dumps({"data": ["x" * 900]})
    answer = ask(RequestMiddleware(reads_all, SMALL), "POST", "/gradio_api/queue/join", content=message)
    assert (answer.status_code, answer.text) == (200, str(len(message)))
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/call/steer", "/gradio_api/reset"])
def test_a_long_message_is_refused_by_what_it_says_of_itself(path: str) -> None:
    answer = ask(RequestMiddleware(reads_all, SMALL), "POST", path, content=bytes(1001))
    assert (answer.status_code, answer.json()) == (413, {"detail": "This is too large."})


def test_a_message_that_does_not_say_how_long_it_is_is_counted() -> None:
    gate = RequestMiddleware(reads_all, SMALL)
    assert ask(gate, "POST", "/gradio_api/call/steer", content=in_pieces(3000)()).status_code == 413
    body, headers = form(100_000)

    async def pieces() -> Any:
        for k in range(0, len(body), 999):
            yield body[k : k + 999]

    assert ask(gate, "POST", "/gradio_api/upload", content=pieces(), headers=headers).text == str(len(body))
    assert ask(gate, "POST", "/gradio_api/upload", content=in_pieces(300_000)(), headers=headers).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 40, "12, 12"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    answer = ask(
        RequestMiddleware(reads_all, SMALL),
        "POST",
        "/gradio_api/reset",
        headers={"content-length": length},
        content=b"x",
    )
    assert answer.status_code == 413


def test_uploads_of_a_minute_have_a_limit_and_the_next_minute_is_a_new_one() -> None:
    now = [0.0]
    gate = RequestMiddleware(reads_all, SMALL, clock=lambda: now[0])
    for status in (200, 200, 429):
        answer = upload(gate, 180_000)
        assert answer.status_code == status
    assert answer.json() == {"detail": "Many pictures are being uploaded at the moment: try again in a minute."}
    now[0] = 61
    assert upload(gate, 180_000).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/proxy=http://a/",
        "/gradio_api/vibe-edit",
        "/gradio_api/queue/join/../../vibe-edit",
        "/gradio_api/component_server",
        "/gradio_api/run-history/records",
        "/monitoring",
        "/login",
        "/docs",
        "/gradio_api/file=http://a/b",
        "/gradio_api/file=HTTPS:/a/b.png",
        "/gradio_api/file/http://a/b.png",
        "/gradio_api/file//tmp/a",
        "/file=/tmp/a",
        "/gradio_api/gradio_api/file=/tmp/a",
        "/static/" + "a" * 8000,
    ],
)
def test_what_is_not_used_is_closed(path: str) -> None:
    answer = ask(RequestMiddleware(reads_all, SMALL), "GET", path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "There is nothing at this address."})


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/config",
        "/theme.css",
        "/assets/index-1.js",
        "/gradio_api/info",
        "/gradio_api/queue/data",
        "/gradio_api/heartbeat/abc",
        "/gradio_api/call/steer/abc",
        "/gradio_api/file=C:/Users/me/a.png",
    ],
)
def test_what_page_and_programs_need_is_open(path: str) -> None:
    assert ask(RequestMiddleware(reads_all, SMALL), "GET", path).status_code == 200


def test_an_upload_may_have_the_name_of_what_is_closed() -> None:
    assert (
        ask(RequestMiddleware(reads_all, SMALL), "GET", "/gradio_api/file=/tmp/gradio/monitoring/vibe.png").status_code
        == 200
    )


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
        answer = ask(RequestMiddleware(broken), "GET", path)
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

        await RequestMiddleware(broken)({"type": "http", "method": "GET", "path": "/", "headers": []}, _nothing, send)

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
        answer = ask(RequestMiddleware(broken), "GET", "/gradio_api/call/steer/nobody")
    assert answer.text.startswith('event: error\ndata: "This request is not one')
    assert "secret" not in answer.text


async def _nothing() -> Any:
    return {"type": "http.request"}


def test_other_kinds_of_connection_are_not_looked_at() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    finished(RequestMiddleware(app)({"type": "lifespan"}, _nothing, _nothing))  # type: ignore[arg-type]
    assert seen == ["lifespan"]


@pytest.mark.parametrize(
    ("what", "headers"),
    [
        ({"name": ".."}, {}),
        ({"name": "a/.."}, {}),
        ({"name": ""}, {}),
        ({"field": "other"}, {}),
        ({"parts": 9}, {}),
        ({}, {"content-type": "multipart/form-data; boundary=B; charset=punycode"}),
        ({}, {"content-type": "multipart/form-data"}),
        ({}, {"content-type": f"multipart/form-data; boundary={'B' * 5000}"}),
        ({}, {"content-type": "application/json"}),
    ],
)
def test_a_form_that_is_no_upload_of_files_is_refused_before_gradio_sees_it(
    what: dict[str, Any], headers: dict[str, str]
) -> None:
    body, plain = form(3000, **what)

    async def unseen(scope: Any, receive: Any, send: Any) -> None:
        pytest.fail("it was let through")

    answer = ask(RequestMiddleware(unseen), "POST", "/gradio_api/upload", content=body, headers={**plain, **headers})
    assert answer.status_code == 400


def test_an_upload_that_stops_half_way_leaves_nothing() -> None:
    async def unseen(scope: Any, receive: Any, send: Any) -> None:
        pytest.fail("it was let through")

    told = iter([{"type": "http.request", "body": b"--B", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(told)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": []}
    finished(RequestMiddleware(unseen)(scope, receive, send))
    assert sent == []


def test_what_takes_too_long_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "_TIME", 0.2)

    async def never() -> Any:
        await asyncio.sleep(60)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    began = time.monotonic()
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/run/x", "headers": []}
    finished(RequestMiddleware(reads_all)(scope, never, send))
    assert time.monotonic() - began < 30
    assert sent[0]["status"] == 408


@pytest.mark.parametrize("body", [b"{", b"[" * 90_000, b"\xff", b'{"session_hash": 7}', b'{"session_hash": "a\\nb"}'])
def test_a_message_that_is_no_json_is_refused(body: bytes) -> None:
    answer = ask(RequestMiddleware(reads_all), "POST", "/gradio_api/queue/join", content=body)
    assert (answer.status_code, answer.json()["detail"]) == (400, NOT_OURS)


def test_one_address_has_its_share_and_the_others_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/studio")
    gate = RequestMiddleware(reads_all, RequestLimits(requests=9, of_one=10_000, connections=2), clock=lambda: 0.0)

    def join(address: str) -> int:
        asked = {"x-forwarded-for": f"6.6.6.6, {address}"}
        return ask(gate, "POST", "/gradio_api/queue/join", json={}, headers=asked).status_code

    assert [join("9.9.9.9") for _ in range(4)] == [200, 200, 200, 429]
    assert join("8.8.8.8") == 200


def test_uploads_of_one_address_have_a_share() -> None:
    gate = RequestMiddleware(reads_all, RequestLimits(of_one=10_000))
    assert [upload(gate, 6000).status_code for _ in range(3)] == [200, 200, 429]


def test_uploads_that_break_off_count_for_the_minute_too() -> None:
    gate = RequestMiddleware(reads_all, SMALL, clock=lambda: 0.0)
    _, headers = form(1000)
    for _ in range(2):
        assert ask(gate, "POST", "/gradio_api/upload", content=in_pieces(180_000)(), headers=headers).status_code == 400
    assert upload(gate, 1000).status_code == 429


def test_a_full_disk_is_said_of_an_upload_too() -> None:
    async def full(scope: Any, receive: Any, send: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/home/somebody/secret")

    answer = upload(RequestMiddleware(full), 1000)
    assert answer.status_code == 500
    assert "disk is full" in answer.json()["detail"]


def test_connections_of_one_address_have_a_share() -> None:
    inside: list[int] = []

    async def asks_again(scope: Any, receive: Any, send: Any) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gate), base_url="http://here") as client:
            inside.append((await client.get("/config")).status_code)
        await reads_all(scope, receive, send)

    gate = RequestMiddleware(asks_again, RequestLimits(connections=2))
    assert ask(gate, "GET", "/config").status_code == 200
    assert inside == [429, 200]
    assert ask(gate, "GET", "/config").status_code == 200


def test_a_request_cannot_pass_the_server_off_as_another() -> None:
    seen: list[dict[bytes, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]))
        await reads_all(scope, receive, send)

    told = {"x-gradio-server": "http://evil.example", "x-forwarded-host": "evil.example/<script>", "x-other": "1"}
    assert ask(RequestMiddleware(app), "GET", "/config", headers=told).status_code == 200
    assert not {b"x-gradio-server", b"x-forwarded-host"} & set(seen[0])
    assert seen[0][b"x-other"] == b"1"
    assert ask(RequestMiddleware(app), "GET", "/config", headers={"x-forwarded-host": "a.hf.space"}).status_code == 200
    assert seen[1][b"x-forwarded-host"] == b"a.hf.space"
    assert ask(RequestMiddleware(app), "GET", "/config", headers={"host": "::::"}).status_code == 404


def test_a_description_is_made_anew_for_another_host() -> None:
    class App:
        api_info: str | None = None

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            host = dict(scope["headers"])[b"host"].decode()
            self.api_info = self.api_info or host
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": self.api_info.encode()})

    inner = App()
    gate = RequestMiddleware(inner)

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        await gate({**scope, "app": inner}, receive, send)

    for host in ("evil.example", "here.example", "here.example"):
        assert ask(outer, "GET", "/gradio_api/info", headers={"host": host}).text == host


def test_of_a_part_of_a_file_no_header_is_sent_back() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"video/mp4"), (b"authorization", b"secret"), (b"set-cookie", b"a=b")]
        await send({"type": "http.response.start", "status": 206, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    answer = ask(RequestMiddleware(app), "GET", "/gradio_api/file=/tmp/a.mp4")
    assert answer.headers["content-type"] == "video/mp4"
    assert not {"authorization", "set-cookie"} & set(answer.headers)


def test_a_mistaken_range_is_the_askers_mistake(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("too many values to unpack")

    with caplog.at_level(logging.WARNING):
        assert ask(RequestMiddleware(broken), "GET", "/gradio_api/file=/tmp/a%0AERROR%20fake").status_code in (400, 404)
        assert ask(RequestMiddleware(broken), "GET", "/gradio_api/file=/tmp/a").status_code == 400
    assert "Traceback" not in caplog.text


def test_an_upload_id_is_short() -> None:
    gate = RequestMiddleware(reads_all)
    assert ask(gate, "GET", "/gradio_api/upload_progress?upload_id=abc123").status_code == 200
    for query in ("upload_id=" + "a" * 65, "upload_id=a&upload_id=%0A"):
        assert ask(gate, "GET", f"/gradio_api/upload_progress?{query}").status_code == 400


def test_who_asks_for_a_visit_is_told_to_whoever_looks_after_them() -> None:
    asked: list[tuple[str, str]] = []

    def admit(session: str, who: str) -> None:
        asked.append((session, who))
        if session == "full":
            raise Refused(429, "Fetch your answers first.")

    gate = RequestMiddleware(reads_all, admit=admit)
    assert ask(gate, "POST", "/gradio_api/run/look", json={"session_hash": "me"}).status_code == 200
    assert ask(gate, "POST", "/gradio_api/queue/join", json={"session_hash": "full"}).status_code == 429
    assert ask(gate, "POST", "/gradio_api/reset", json={"session_hash": "me"}).status_code == 200
    assert upload(gate, 1000).status_code == 200
    assert asked == [("me", "127.0.0.1"), ("full", "127.0.0.1"), ("", "127.0.0.1")]


def test_in_public_less_is_taken_in() -> None:
    home, public = request_limits(False), request_limits(True)
    assert public.file < home.file
    assert public.message < home.message
    assert public.minute < home.minute
