"""`RequestMiddleware`: what a request has to be before Gradio sees it, and what anybody reads when it fails behind it.

    address    only what the page and programs need is there (`gate_routes`)
    headers    none by which a request could pass this server off as another
    body       whole, in time, an upload at most the largest picture, anything else at most a long form (`gate_body`)
    shares     of requests, connections and uploads, for everybody; and so many uploads a minute from all together
    visits     a new one takes the place of one of those who have most
    failure    one sentence as JSON with a number that is in the log, never a traceback
    answer     a browser takes every file for what it says it is, and tells other sites nothing

An ASGI middleware, so that it holds for every address of the app, whoever asks.
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

from starlette.requests import ClientDisconnect

from studio.core.errors import disk_is_full, explain, log
from studio.server.body import (
    MIB,
    NOT_OURS,
    SMALLEST_PART,
    Gone,
    Message,
    Receive,
    Refused,
    again,
    count_parts,
    read,
    session_of,
    too_large,
)
from studio.server.client import address_of
from studio.server.gradio_internals import drop_description
from studio.server.rate_limit import RateLimiter
from studio.server.routes import believable, inner_path, is_open, is_upload_id

_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
# of a part of a file Gradio sends all headers back that it was asked with
_OF_A_PART = (
    b"accept-ranges",
    b"cache-control",
    b"content-disposition",
    b"content-length",
    b"content-range",
    b"content-type",
    b"etag",
    b"last-modified",
)
_FILES = ("/upload", "/file=", "/static/", "/assets/", "/svelte/", "/pwa_icon")
_CALLS = ("/queue/join", "/call/", "/run/", "/api/")
_DESCRIBED = ("/info", "/openapi.json", "", "/")
_TIME = 20.0
"""Seconds in which a message has to be here."""
_UPLOAD_TIME = 120.0

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Admit = Callable[[str, str], None]
"""(session, address): called before a session's request is answered; session "" is an upload. May raise Refused."""


@dataclass(frozen=True)
class RequestLimits:
    """How much is taken in.

    Args:
        file: the largest upload, in bytes.
        message: the largest body of any other request, in bytes.
        minute: all uploads of a minute, in bytes.
        of_one: those of one address among them.
        requests: a minute from one address, and a third of that at once; infinity where nobody counts.
        connections: open at once from one address.
    """

    file: int = 20 * MIB
    message: int = MIB
    minute: int = 1000 * MIB
    of_one: float = math.inf
    requests: float = math.inf
    connections: float = math.inf


AT_HOME = RequestLimits()
IN_PUBLIC = RequestLimits(
    file=10 * MIB, message=MIB // 4, minute=200 * MIB, of_one=60 * MIB, requests=1800, connections=200
)


def request_limits(public: bool) -> RequestLimits:
    """The one for a place where anybody may come, or for one's own machine."""
    return IN_PUBLIC if public else AT_HOME


@dataclass
class RequestMiddleware:
    """The middleware around `app`."""

    app: App
    request_limits: RequestLimits = AT_HOME
    clock: Callable[[], float] = monotonic
    admit: Admit = lambda session, who: None
    _taken: deque[tuple[float, int]] = field(default_factory=deque)
    _open: Counter[str] = field(default_factory=Counter)
    _host: bytes = b""

    def __post_init__(self) -> None:
        few = self.request_limits
        self._uploads = RateLimiter(few.of_one, few.of_one, self.clock)
        self._requests = RateLimiter(few.requests / 3, few.requests, self.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = streams = False

        async def sending(message: Message) -> None:
            nonlocal begun, streams
            if message["type"] == "http.response.start":
                begun = True
                headers = list(message.get("headers", ()))
                streams = dict(headers).get(b"content-type", b"").startswith(b"text/event-stream")
                kept = [one for one in headers if message["status"] != 206 or one[0].lower() in _OF_A_PART]
                message["headers"] = [*kept, *_HEADERS]
            await send(message)

        try:
            with self._connected(who := _who(scope)):
                receive = await self._let_in(scope, receive, who)
                await self.app(scope, receive, sending)
        except (Gone, ClientDisconnect):
            return
        except Exception as error:
            status, sentence = _status(error, _path(scope))
            if begun:  # the status is out; all that is left is to end
                if streams:
                    said = f"event: error\ndata: {json.dumps(sentence)}\n\n".encode()
                    await send({"type": "http.response.body", "body": said})
                return
            await _say(sending, status, sentence)

    @contextmanager
    def _connected(self, who: str) -> Iterator[None]:
        if self._open[who] >= self.request_limits.connections:
            raise Refused(429, "Too many pages are open from where you are: close some and load this one again.")
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    async def _let_in(self, scope: Scope, receive: Receive, who: str) -> Receive:
        """`receive` of a request that may pass; its scope has what is believed of it."""
        path = _path(scope)
        headers = believable(scope["headers"])
        if headers is None or not is_open(str(scope["path"]), str(scope.get("root_path", ""))):
            raise Refused(404, "There is nothing at this address.")
        scope["headers"] = headers
        self._describe_anew(scope, path)
        if path.rstrip("/") in ("/upload", "/upload_progress"):
            names = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("upload_id", [])
            if not all(map(is_upload_id, names)):
                raise Refused(400, NOT_OURS)
        posted = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if (posted or path in _DESCRIBED) and not self._requests.take(who):
            raise Refused(429, "Too many requests come from where you are: try again in a minute.")
        if not posted:
            return receive
        if path.rstrip("/") == "/upload":
            return await self._upload(scope, receive, who)
        body = await read(receive, self._check_length(dict(headers), self.request_limits.message), _TIME)
        session = session_of(body)
        if session and path.startswith(_CALLS):
            self.admit(session, who)
        return again(body, receive)

    async def _upload(self, scope: Scope, receive: Receive, who: str) -> Receive:
        headers = dict(scope["headers"])
        # the wrapping of one file in a form takes some hundred bytes
        most = self._check_length(headers, self.request_limits.file + 64 * 1024)
        self._check_minute()
        claimed = int(headers.get(b"content-length", b"0"))
        # what it says of itself is counted at once, so that many at the same time are no way around; else what comes
        if not self._uploads.take(who, claimed):
            raise Refused(429, "Many pictures have come from where you are: try again in a minute.")
        self._taken.append((self.clock(), claimed))
        body = await read(receive, most, _UPLOAD_TIME, lambda size: None if claimed else self._count(who, size))
        parts = count_parts(headers.get(b"content-type", b""), body)
        size = body.seek(0, 2)
        body.seek(0)
        self._count(who, max(parts * SMALLEST_PART - size, 0))
        self.admit("", who)
        return again(body, receive)

    def _count(self, who: str, size: int) -> None:
        """Bytes of an upload that was let in, to this address and to all together."""
        self._uploads.take(who, size)
        self._taken.append((self.clock(), size))

    def _check_length(self, headers: dict[bytes, bytes], most: int) -> int:
        claimed = headers.get(b"content-length", b"0")
        if not claimed.isdigit() or len(claimed) > 15 or int(claimed) > most:
            raise Refused(413, too_large(most))
        return most

    def _check_minute(self) -> None:
        while self._taken and self._taken[0][0] < self.clock() - 60:
            self._taken.popleft()
        if sum(size for _, size in self._taken) > self.request_limits.minute:
            raise Refused(429, "Many pictures are being uploaded at the moment: try again in a minute.")

    def _describe_anew(self, scope: Scope, path: str) -> None:
        """Gradio shows everybody the address at which it was asked for its description first; here it is one's own."""
        if path not in _DESCRIBED:
            return
        host = b"|".join(value for name, value in scope["headers"] if name in (b"host", b"x-forwarded-host"))
        if host != self._host:
            self._host = host
            if app := scope.get("app"):
                drop_description(app)


def _who(scope: Scope) -> str:
    client = scope.get("client") or ("", 0)
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return address_of(str(client[0]), forwarded.decode("latin-1"))


def _path(scope: Scope) -> str:
    return inner_path(str(scope["path"]), str(scope.get("root_path", "")))


def _status(error: Exception, path: str) -> tuple[int, str]:
    if isinstance(error, Refused):
        return error.status, str(error)
    mistaken = path.startswith(_FILES) and isinstance(error, (ValueError, TypeError, AttributeError, OSError))
    mistaken = mistaken and not disk_is_full(error)
    if isinstance(error, (RecursionError, UnicodeError)) or path.startswith(_CALLS) or mistaken:
        log.warning("A request to %.60r that Gradio does not take: %s", path, type(error).__name__)
        return 400, NOT_OURS
    return 500, explain(error)


async def _say(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
