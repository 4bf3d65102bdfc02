"""`RequestMiddleware`: checks every request before Gradio receives it, and replaces every failure by an error message.

    path           only what the page and its API need (`routes`)
    headers        none by which a request could make this server appear as another one
    body           complete, in time and within its size limit (`body`)
    rate limits    requests, connections and uploads of each client, and the uploads of all clients
    sessions       the server's limit on sessions (`sessions`)
    failures       JSON with one sentence and an incident number that the log explains; never a traceback
    response       headers against content sniffing and against referrers to other sites

It is an ASGI middleware, so it applies to every path of the app.
"""

from __future__ import annotations

import json
import math
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from studio.core.errors import disk_is_full, explain, log
from studio.server.body import (
    BLOCK_SIZE,
    MALFORMED,
    MIB,
    Message,
    Receive,
    count_files,
    read_body,
    replay,
    session_hash,
    too_large,
)
from studio.server.client import address_of
from studio.server.gradio_internals import drop_description
from studio.server.rate_limit import RateLimiter
from studio.server.routes import inner_path, is_open, is_upload_id, trusted_headers

_SECURITY_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
# Gradio answers a range request with the request's own headers: only these are passed on
_PARTIAL_CONTENT_HEADERS = (
    b"accept-ranges",
    b"cache-control",
    b"content-disposition",
    b"content-length",
    b"content-range",
    b"content-type",
    b"etag",
    b"last-modified",
)
_FILE_PATHS = ("/upload", "/file=", "/static/", "/assets/", "/svelte/", "/pwa_icon")
_CALL_PATHS = ("/queue/join", "/call/", "/run/", "/api/")
_DESCRIPTION_PATHS = ("/info", "/openapi.json", "", "/")
_MESSAGE_TIMEOUT = 20.0
_UPLOAD_TIMEOUT = 120.0
_FORM_OVERHEAD = 64 * 1024
"""Bytes that a form may hold beside its files."""

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Admit = Callable[[str, str], None]
"""(session, "" for an upload; client address): called before a request is passed on; may raise HTTPException."""


@dataclass(frozen=True)
class RequestLimits:
    """Limits of a server; infinity switches a limit off.

    Args:
        max_upload: size of one upload in bytes.
        max_message: size of any other request's body in bytes.
        uploads: bytes of uploads a minute, of all clients together.
        client_uploads: bytes of uploads a minute, of one client.
        client_requests: requests a minute of one client; a third of them may come at once.
        client_connections: open connections of one client.
    """

    max_upload: int = 20 * MIB
    max_message: int = MIB
    uploads: int = 1000 * MIB
    client_uploads: float = math.inf
    client_requests: float = math.inf
    client_connections: float = math.inf


AT_HOME = RequestLimits()
IN_PUBLIC = RequestLimits(
    max_upload=10 * MIB,
    max_message=MIB // 4,
    uploads=200 * MIB,
    client_uploads=60 * MIB,
    client_requests=1800,
    client_connections=200,
)


def request_limits(public: bool) -> RequestLimits:
    """The limits of a public server, or of one's own machine."""
    return IN_PUBLIC if public else AT_HOME


@dataclass
class RequestMiddleware:
    """The middleware around `app`."""

    app: App
    request_limits: RequestLimits = AT_HOME
    clock: Callable[[], float] = monotonic
    admit: Admit = lambda session, client: None
    _recent_uploads: deque[tuple[float, int]] = field(default_factory=deque)
    _connections: Counter[str] = field(default_factory=Counter)
    _described_host: bytes = b""

    def __post_init__(self) -> None:
        limits = self.request_limits
        self._uploads = RateLimiter(limits.client_uploads, limits.client_uploads, self.clock)
        self._requests = RateLimiter(limits.client_requests / 3, limits.client_requests, self.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = is_stream = False

        async def send_checked(message: Message) -> None:
            nonlocal started, is_stream
            if message["type"] == "http.response.start":
                started = True
                headers = list(message.get("headers", ()))
                is_stream = dict(headers).get(b"content-type", b"").startswith(b"text/event-stream")
                if message["status"] == 206:
                    headers = [header for header in headers if header[0].lower() in _PARTIAL_CONTENT_HEADERS]
                message["headers"] = [*headers, *_SECURITY_HEADERS]
            await send(message)

        try:
            client = _client(scope)
            with self._connection(client):
                receive = await self._check(scope, receive, client)
                await self.app(scope, receive, send_checked)
        except ClientDisconnect:
            return
        except Exception as error:
            status, sentence = _error_response(error, _path(scope))
            if not started:
                await JSONResponse({"detail": sentence}, status)(scope, receive, send_checked)
            elif is_stream:  # the status has been sent already
                event = f"event: error\ndata: {json.dumps(sentence)}\n\n".encode()
                await send({"type": "http.response.body", "body": event})

    @contextmanager
    def _connection(self, client: str) -> Iterator[None]:
        if self._connections[client] >= self.request_limits.client_connections:
            raise HTTPException(429, "Too many pages are open from your address: close some, then reload this one.")
        self._connections[client] += 1
        try:
            yield
        finally:
            self._connections[client] -= 1
            if not self._connections[client]:
                del self._connections[client]

    async def _check(self, scope: Scope, receive: Receive, client: str) -> Receive:
        """The `receive` of an accepted request; untrusted headers are removed from its scope."""
        path = _path(scope)
        headers = trusted_headers(scope["headers"])
        if headers is None or not is_open(str(scope["path"]), str(scope.get("root_path", ""))):
            raise HTTPException(404, "There is nothing at this address.")
        scope["headers"] = headers
        self._reset_description(scope, path)
        if path.rstrip("/") in ("/upload", "/upload_progress"):
            upload_ids = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("upload_id", [])
            if not all(map(is_upload_id, upload_ids)):
                raise HTTPException(400, MALFORMED)
        has_body = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if (has_body or path in _DESCRIPTION_PATHS) and not self._requests.take(client):
            raise HTTPException(429, "Too many requests came from your address: try again in a minute.")
        if not has_body:
            return receive
        if path.rstrip("/") == "/upload":
            return await self._check_upload(scope, receive, client)
        _content_length(dict(headers), self.request_limits.max_message)
        body = await read_body(receive, self.request_limits.max_message, _MESSAGE_TIMEOUT)
        session = session_hash(body)
        if session and path.startswith(_CALL_PATHS):
            self.admit(session, client)
        return replay(body, receive)

    async def _check_upload(self, scope: Scope, receive: Receive, client: str) -> Receive:
        headers = dict(scope["headers"])
        max_bytes = self.request_limits.max_upload + _FORM_OVERHEAD
        length = _content_length(headers, max_bytes)
        self._check_recent_uploads()
        # the stated length is counted at once, so that parallel uploads do not evade the limit; else each chunk is
        if not self._uploads.take(client, length):
            raise HTTPException(429, "Too many uploads came from your address: try again in a minute.")
        self._recent_uploads.append((self.clock(), length))
        on_chunk = (lambda size: None) if length else (lambda size: self._count_upload(client, size))
        body = await read_body(receive, max_bytes, _UPLOAD_TIMEOUT, on_chunk)
        files = count_files(headers.get(b"content-type", b""), body)
        size = body.seek(0, 2)
        body.seek(0)
        self._count_upload(client, max(files * BLOCK_SIZE - size, 0))
        self.admit("", client)
        return replay(body, receive)

    def _count_upload(self, client: str, size: int) -> None:
        """Add bytes of an accepted upload to its client's balance and to that of all clients."""
        self._uploads.take(client, size)
        self._recent_uploads.append((self.clock(), size))

    def _check_recent_uploads(self) -> None:
        while self._recent_uploads and self._recent_uploads[0][0] < self.clock() - 60:
            self._recent_uploads.popleft()
        if sum(size for _, size in self._recent_uploads) > self.request_limits.uploads:
            raise HTTPException(429, "The server receives too many uploads at the moment: try again in a minute.")

    def _reset_description(self, scope: Scope, path: str) -> None:
        """Have Gradio describe its API anew for another host: it stores the first request's URL for all clients."""
        if path not in _DESCRIPTION_PATHS:
            return
        host = b"|".join(value for name, value in scope["headers"] if name in (b"host", b"x-forwarded-host"))
        if host != self._described_host:
            self._described_host = host
            if app := scope.get("app"):
                drop_description(app)


def _content_length(headers: dict[bytes, bytes], max_bytes: int) -> int:
    """The stated length of a body, 0 if none is stated.

    Raises:
        HTTPException: it is above the limit, or not a number.
    """
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 15 or int(length) > max_bytes:
        raise too_large(max_bytes)
    return int(length)


def _client(scope: Scope) -> str:
    host, _ = scope.get("client") or ("", 0)
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return address_of(str(host), forwarded.decode("latin-1"))


def _path(scope: Scope) -> str:
    return inner_path(str(scope["path"]), str(scope.get("root_path", "")))


def _error_response(error: Exception, path: str) -> tuple[int, str]:
    """Status and sentence for an exception."""
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    bad_file = path.startswith(_FILE_PATHS) and isinstance(error, (ValueError, TypeError, AttributeError, OSError))
    bad_file = bad_file and not disk_is_full(error)
    if isinstance(error, (RecursionError, UnicodeError)) or path.startswith(_CALL_PATHS) or bad_file:
        log.warning("A request to %.60r that Gradio does not accept: %s", path, type(error).__name__)
        return 400, MALFORMED
    return 500, explain(error)
