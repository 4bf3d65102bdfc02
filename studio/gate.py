"""`Gate`: what a request has to be before Gradio sees it, and what anybody reads when it fails behind it.

    size       an upload at most the largest picture and its wrapping, anything else at most a long form
    uploads    so many bytes a minute from everybody together, so that nobody fills the disk
    path       the parts of Gradio that this studio does not use are closed: they fetch, write or list things
    failure    one sentence as JSON with a number that is in the log, never a traceback
    headers    a browser takes every file for what it says it is, and tells other sites nothing

An ASGI middleware, so that it holds for every address of the app, whoever asks.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from studio.messages import explain, log

MIB = 2**20
_CLOSED = (
    "/proxy=",
    "/file=http",
    "/component_server",
    "/custom_component",
    "/deep_link",
    "/dev/",
    "/monitoring",
    "/process_recording",
    "/profiling",
    "/run-history",
    "/runs",
    "/stream/",
    "/vibe",
    "/undo-vibe",
)
_API = "/gradio_api"
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
_JOINS = ("/queue/join", "/call/")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Intake:
    """How much is taken in, in bytes.

    Args:
        file: the largest upload.
        message: the largest body of any other request.
        minute: all uploads of a minute.
    """

    file: int = 20 * MIB
    message: int = MIB
    minute: int = 1000 * MIB


AT_HOME = Intake()
IN_PUBLIC = Intake(file=10 * MIB, message=MIB // 4, minute=200 * MIB)


def intake(public: bool) -> Intake:
    """The one for a place where anybody may come, or for one's own machine."""
    return IN_PUBLIC if public else AT_HOME


class _Refused(Exception):
    """A request that goes no further; `status` and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass
class Gate:
    """The middleware around `app`."""

    app: App
    intake: Intake = AT_HOME
    clock: Callable[[], float] = monotonic
    _taken: deque[tuple[float, int]] = field(default_factory=deque)

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
                streams = dict(message.get("headers", ())).get(b"content-type", b"").startswith(b"text/event-stream")
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            await self.app(scope, self._counted(scope, receive), sending)
        except Exception as error:
            status, sentence = _status(error, _path(scope))
            if begun:  # the status is out; all that is left is to end
                if streams:
                    said = f"event: error\ndata: {json.dumps(sentence)}\n\n".encode()
                    await send({"type": "http.response.body", "body": said})
                return
            await _say(sending, status, sentence)

    def _counted(self, scope: Scope, receive: Receive) -> Receive:
        """`receive`, refused at once by what the request says of itself, and later by what it really brings."""
        path, headers = _path(scope), dict(scope["headers"])
        if path.startswith(_CLOSED):
            raise _Refused(404, "There is nothing at this address.")
        upload = path.rstrip("/") == "/upload"
        # the wrapping of one file in a form takes some hundred bytes
        most = self.intake.file + 64 * 1024 if upload else self.intake.message
        claimed = headers.get(b"content-length", b"0")
        if not claimed.isdigit() or len(claimed) > 15 or int(claimed) > most:
            raise _Refused(413, _too_large(most))
        if upload:
            self._check_minute()
        got = 0

        async def counting() -> Message:
            nonlocal got
            message = await receive()
            size = len(message.get("body", b""))
            got += size
            if got > most:
                raise _Refused(413, _too_large(most))
            if upload and size:
                self._taken.append((self.clock(), size))
            return message

        return counting

    def _check_minute(self) -> None:
        while self._taken and self._taken[0][0] < self.clock() - 60:
            self._taken.popleft()
        if sum(size for _, size in self._taken) > self.intake.minute:
            raise _Refused(429, "Many pictures are being uploaded at the moment: try again in a minute.")


def _path(scope: Scope) -> str:
    """The address inside the app, without what a proxy and Gradio put before it."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", ""))).removeprefix(_API)


def _status(error: Exception, path: str) -> tuple[int, str]:
    if isinstance(error, _Refused):
        return error.status, str(error)
    if isinstance(error, (RecursionError, UnicodeError)) or path.startswith(_JOINS):
        log.warning("A request to %s that Gradio does not take: %s", path[:60], type(error).__name__)
        return 400, "This request is not one that the page or a program of its documentation makes."
    return 500, explain(error)


def _too_large(most: int) -> str:
    return f"This is too large: at most {max(most // MIB, 1)} MB are taken." if most >= MIB else "This is too large."


async def _say(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
