"""What a request brings: read to its end before Gradio sees any of it, within limits of bytes and of time.

So whatever comes too slowly, stops half-way or turns out too large leaves nothing behind: Gradio would keep the piece
of a file that it has got so far. And a form is looked at before it is taken apart: its parts have to be files.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from tempfile import SpooledTemporaryFile
from time import monotonic
from typing import IO, Any

from python_multipart.multipart import MultipartParser, parse_options_header

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

MIB = 2**20
MOST_PARTS = 8
SMALLEST_PART = 4096
"""Bytes; what a file takes on a disk."""
_IN_MEMORY = MIB
_PIECE = 64 * 1024
_LONGEST_BOUNDARY = 70  # RFC 2046
NOT_OURS = "This request is not one that the page or a program of its documentation makes."


class Refused(Exception):
    """A request that goes no further; `status` and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Gone(Exception):
    """Whoever asked has hung up."""


async def read(
    receive: Receive, most: int, seconds: float, took: Callable[[int], object] = lambda size: None
) -> IO[bytes]:
    """The whole body, as a file at its beginning.

    Args:
        receive: of ASGI.
        most: bytes.
        seconds: for all of it.
        took: told of every piece's bytes as it comes.

    Raises:
        Refused: too large, or too slow.
        Gone: the connection ended before the body.
    """
    body = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 -- whoever reads it closes it
    until = monotonic() + seconds
    got, more = 0, True
    try:
        while more:
            try:
                message = await asyncio.wait_for(receive(), max(until - monotonic(), 0))
            except TimeoutError:
                raise Refused(408, "This took too long to arrive: try again.") from None
            if message["type"] == "http.disconnect":
                raise Gone
            piece, more = message.get("body", b""), message.get("more_body", False)
            got += len(piece)
            took(len(piece))
            if got > most:
                raise Refused(413, too_large(most))
            body.write(piece)
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return body


def again(body: IO[bytes], receive: Receive) -> Receive:
    """`receive` for an app that has not read the body yet; after it, what becomes of the connection."""
    ended = False

    async def receiving() -> Message:
        nonlocal ended
        if ended:
            return await receive()
        piece = body.read(_PIECE)
        ended = len(piece) < _PIECE
        if ended:
            body.close()
        return {"type": "http.request", "body": piece, "more_body": not ended}

    return receiving


def session_of(body: IO[bytes]) -> str:
    """The visit for which a message speaks; "" if it names none. The file is at its beginning again.

    Raises:
        Refused: it is no JSON object, or one that nobody could read.
    """
    try:
        found = json.loads(body.read() or b"{}")
    except (ValueError, RecursionError):
        raise Refused(400, NOT_OURS) from None
    finally:
        body.seek(0)
    session = found.get("session_hash") if isinstance(found, dict) else None
    if session is not None and not (isinstance(session, str) and 0 < len(session) <= 100 and session.isprintable()):
        raise Refused(400, NOT_OURS)
    return session or ""


def count_parts(content_type: bytes, body: IO[bytes]) -> int:
    """How many files a form brings. The file is at its beginning again.

    Raises:
        Refused: it is no form of a few named files.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    # in another character set Gradio's decoder may take hours
    if kind != b"multipart/form-data" or options.get(b"charset", b"utf-8").lower() != b"utf-8":
        raise Refused(400, NOT_OURS)
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise Refused(400, NOT_OURS)
    form = _Form()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": form.begin,
            "on_header_field": form.name,
            "on_header_value": form.value,
            "on_header_end": form.header,
            "on_headers_finished": form.check,
            "on_end": form.end,
        },
    )
    try:
        while piece := body.read(_PIECE):
            parser.write(piece)
    except (ValueError, KeyError):  # the parser's own errors among them
        raise Refused(400, NOT_OURS) from None
    finally:
        body.seek(0)
    if not form.ended or form.parts == 0:
        raise Refused(400, NOT_OURS)
    return form.parts


class _Form:
    """What the parser finds: every part has to be a file called "files", with a name."""

    def __init__(self) -> None:
        self.parts, self.ended = 0, False
        self._name = self._value = self._disposition = b""

    def begin(self) -> None:
        self.parts += 1
        self._disposition = b""
        if self.parts > MOST_PARTS:
            raise Refused(400, f"This brings more than {MOST_PARTS} files: send them one by one.")

    def name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def check(self) -> None:
        _, options = parse_options_header(self._disposition)
        file = options.get(b"filename", b"").replace(b"\\", b"/").rpartition(b"/")[2]
        if options.get(b"name") != b"files" or file.strip() in (b"", b".", b".."):
            raise Refused(400, NOT_OURS)

    def end(self) -> None:
        self.ended = True


def too_large(most: int) -> str:
    """What a person reads who sent more."""
    return f"This is too large: at most {max(most // MIB, 1)} MB are taken." if most >= MIB else "This is too large."
