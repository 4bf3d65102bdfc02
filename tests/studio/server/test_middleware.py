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
from starlette.exceptions import HTTPException

from studio.server import middleware as module
from studio.server.body import MALFORMED
from studio.server.middleware import RequestLimits, RequestMiddleware, request_limits

SMALL = RequestLimits(max_upload=200_000, max_message=1000, uploads=300_000)


async def reads_all(scope: Any, receive: Any, send: Any) -> None:
    """An app that reads the body and responds with its length."""
    total, more = 0, True
    while more:
        message = await receive()
        total, more = total + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(total).encode()})


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """Run in another thread: after browser tests this one has an event loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def form(size: int, name: str = "a.png", field: str = "files", parts: int = 1) -> tuple[bytes, dict[str, str]]:
    """The body of an upload of `size` bytes in all, and its headers."""
    head = f'--B\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
    each = max((size - 7) // parts - len(head) - 2, 0)
    body = (head + bytes(each) + b"\r\n") * parts + b"--B--\r\n"
    return body, {"content-type": "multipart/form-data; boundary=B"}


def upload(middleware: Any, size: int, **what: Any) -> httpx.Response:
    body, headers = form(size, **what)
    return ask(middleware, "POST", "/gradio_api/upload", content=body, headers=headers)


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


def test_a_message_within_the_limit_passes_and_every_response_has_security_headers() -> None:
    message = json.dumps({"data": ["x" * 900]})
    answer = ask(RequestMiddleware(reads_all, SMALL), "POST", "/gradio_api/queue/join", content=message)
    assert (answer.status_code, answer.text) == (200, str(len(message)))
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/call/steer", "/gradio_api/reset"])
def test_a_long_message_is_refused_by_its_stated_length(path: str) -> None:
    answer = ask(RequestMiddleware(reads_all, SMALL), "POST", path, content=bytes(1001))
    assert (answer.status_code, answer.json()) == (
        413,
        {"detail": "This request is too large: the limit is 1,000 bytes."},
    )


def test_a_message_without_a_stated_length_is_counted() -> None:
    middleware = RequestMiddleware(reads_all, SMALL)
    assert ask(middleware, "POST", "/gradio_api/call/steer", content=in_pieces(3000)()).status_code == 413
    body, headers = form(100_000)

    async def pieces() -> Any:
        for k in range(0, len(body), 999):
            yield body[k : k + 999]

    assert ask(middleware, "POST", "/gradio_api/upload", content=pieces(), headers=headers).text == str(len(body))
    assert (
        ask(middleware, "POST", "/gradio_api/upload", content=in_pieces(300_000)(), headers=headers).status_code == 413
    )


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
    middleware = RequestMiddleware(reads_all, SMALL, clock=lambda: now[0])
    for status in (200, 200, 429):
        answer = upload(middleware, 180_000)
        assert answer.status_code == status
    assert answer.json() == {"detail": "The server receives too many uploads at the moment: try again in a minute."}
    now[0] = 61
    assert upload(middleware, 180_000).status_code == 200


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
def test_paths_that_are_not_needed_are_not_served(path: str) -> None:
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
def test_paths_of_the_page_and_the_api_are_served(path: str) -> None:
    assert ask(RequestMiddleware(reads_all, SMALL), "GET", path).status_code == 200


def test_an_upload_may_be_named_like_a_path_that_is_not_served() -> None:
    assert (
        ask(RequestMiddleware(reads_all, SMALL), "GET", "/gradio_api/file=/tmp/gradio/monitoring/vibe.png").status_code
        == 200
    )


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/gradio_api/queue/join", 400, "This request is malformed"),
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


def test_a_failure_in_the_middle_of_a_response_ends_it(caplog: pytest.LogCaptureFixture) -> None:
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


def test_a_stream_that_fails_ends_with_an_error_event(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        raise KeyError("/home/somebody/secret")

    with caplog.at_level(logging.ERROR):
        answer = ask(RequestMiddleware(broken), "GET", "/gradio_api/call/steer/nobody")
    assert answer.text.startswith('event: error\ndata: "This request is malformed')
    assert "secret" not in answer.text


async def _nothing() -> Any:
    return {"type": "http.request"}


def test_connections_other_than_http_pass_unchecked() -> None:
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


def test_an_upload_that_breaks_off_is_not_passed_on() -> None:
    async def unseen(scope: Any, receive: Any, send: Any) -> None:
        pytest.fail("it was let through")

    messages = iter([{"type": "http.request", "body": b"--B", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": []}
    finished(RequestMiddleware(unseen)(scope, receive, send))
    assert sent == []


def test_a_slow_message_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MESSAGE_TIMEOUT", 0.2)

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
    assert (answer.status_code, answer.json()["detail"]) == (400, MALFORMED)


def test_requests_are_limited_for_each_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/studio")
    middleware = RequestMiddleware(
        reads_all, RequestLimits(client_requests=9, client_uploads=10_000, client_connections=2), clock=lambda: 0.0
    )

    def join(address: str) -> int:
        asked = {"x-forwarded-for": f"6.6.6.6, {address}"}
        return ask(middleware, "POST", "/gradio_api/queue/join", json={}, headers=asked).status_code

    assert [join("9.9.9.9") for _ in range(4)] == [200, 200, 200, 429]
    assert join("8.8.8.8") == 200


def test_uploads_of_a_client_are_limited() -> None:
    middleware = RequestMiddleware(reads_all, RequestLimits(client_uploads=10_000))
    assert [upload(middleware, 6000).status_code for _ in range(3)] == [200, 200, 429]


def test_uploads_that_are_refused_count_towards_the_limit_of_a_minute() -> None:
    middleware = RequestMiddleware(reads_all, SMALL, clock=lambda: 0.0)
    _, headers = form(1000)
    for _ in range(2):
        assert (
            ask(middleware, "POST", "/gradio_api/upload", content=in_pieces(180_000)(), headers=headers).status_code
            == 400
        )
    assert upload(middleware, 1000).status_code == 429


def test_a_full_disk_during_an_upload_is_reported_as_such() -> None:
    async def full(scope: Any, receive: Any, send: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/home/somebody/secret")

    answer = upload(RequestMiddleware(full), 1000)
    assert answer.status_code == 500
    assert "disk is full" in answer.json()["detail"]


def test_connections_of_a_client_are_limited() -> None:
    inside: list[int] = []

    async def asks_again(scope: Any, receive: Any, send: Any) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(middleware), base_url="http://here") as client:
            inside.append((await client.get("/config")).status_code)
        await reads_all(scope, receive, send)

    middleware = RequestMiddleware(asks_again, RequestLimits(client_connections=2))
    assert ask(middleware, "GET", "/config").status_code == 200
    assert inside == [429, 200]
    assert ask(middleware, "GET", "/config").status_code == 200


def test_headers_that_name_another_server_are_removed() -> None:
    seen: list[dict[bytes, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]))
        await reads_all(scope, receive, send)

    headers = {"x-gradio-server": "http://evil.example", "x-forwarded-host": "evil.example/<script>", "x-other": "1"}
    assert ask(RequestMiddleware(app), "GET", "/config", headers=headers).status_code == 200
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
    middleware = RequestMiddleware(inner)

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        await middleware({**scope, "app": inner}, receive, send)

    for host in ("evil.example", "here.example", "here.example"):
        assert ask(outer, "GET", "/gradio_api/info", headers={"host": host}).text == host


def test_a_range_request_does_not_get_its_own_headers_back() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"video/mp4"), (b"authorization", b"secret"), (b"set-cookie", b"a=b")]
        await send({"type": "http.response.start", "status": 206, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    answer = ask(RequestMiddleware(app), "GET", "/gradio_api/file=/tmp/a.mp4")
    assert answer.headers["content-type"] == "video/mp4"
    assert not {"authorization", "set-cookie"} & set(answer.headers)


def test_a_malformed_range_is_a_mistake_of_the_client(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("too many values to unpack")

    with caplog.at_level(logging.WARNING):
        assert ask(RequestMiddleware(broken), "GET", "/gradio_api/file=/tmp/a%0AERROR%20fake").status_code in (400, 404)
        assert ask(RequestMiddleware(broken), "GET", "/gradio_api/file=/tmp/a").status_code == 400
    assert "Traceback" not in caplog.text


def test_an_upload_id_is_short() -> None:
    middleware = RequestMiddleware(reads_all)
    assert ask(middleware, "GET", "/gradio_api/upload_progress?upload_id=abc123").status_code == 200
    for query in ("upload_id=" + "a" * 65, "upload_id=a&upload_id=%0A"):
        assert ask(middleware, "GET", f"/gradio_api/upload_progress?{query}").status_code == 400


def test_admission_is_asked_for_every_call_and_upload() -> None:
    asked: list[tuple[str, str]] = []

    def admit(session: str, who: str) -> None:
        asked.append((session, who))
        if session == "full":
            raise HTTPException(429, "Fetch your answers first.")

    middleware = RequestMiddleware(reads_all, admit=admit)
    assert ask(middleware, "POST", "/gradio_api/run/look", json={"session_hash": "me"}).status_code == 200
    assert ask(middleware, "POST", "/gradio_api/queue/join", json={"session_hash": "full"}).status_code == 429
    assert ask(middleware, "POST", "/gradio_api/reset", json={"session_hash": "me"}).status_code == 200
    assert upload(middleware, 1000).status_code == 200
    assert asked == [("me", "127.0.0.1"), ("full", "127.0.0.1"), ("", "127.0.0.1")]


def test_public_limits_are_lower() -> None:
    home, public = request_limits(False), request_limits(True)
    assert public.max_upload < home.max_upload
    assert public.max_message < home.max_message
    assert public.uploads < home.uploads
