"""Request bodies, read to their end within limits of size and time before Gradio receives them.

A body that arrives too slowly, breaks off or is too large thus leaves no file behind; Gradio would keep the part of an
upload that it had received. A multipart form is checked before Gradio parses it: every part has to be a file.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from tempfile import SpooledTemporaryFile
from time import monotonic
from typing import IO, Any

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

MIB = 2**20
MAX_FILES = 8
BLOCK_SIZE = 4096
"""Bytes that the smallest file occupies on a disk."""
_IN_MEMORY = MIB
_CHUNK = 64 * 1024
_MAX_BOUNDARY = 70  # RFC 2046
MALFORMED = "This request is malformed: send it as the page does, or as its API documentation shows."


async def read_body(
    receive: Receive, max_bytes: int, timeout: float, on_chunk: Callable[[int], object] = lambda size: None
) -> IO[bytes]:
    """Read the whole body into a file, positioned at its beginning.

    Args:
        receive: of ASGI.
        max_bytes: limit of the body's size.
        timeout: seconds for the whole body.
        on_chunk: called with the size of each chunk in bytes.

    Raises:
        HTTPException: the body is too large, or took too long.
        ClientDisconnect: the connection ended before the body.
    """
    body = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 -- closed by `replay`
    deadline = monotonic() + timeout
    received, more = 0, True
    try:
        while more:
            try:
                message = await asyncio.wait_for(receive(), max(deadline - monotonic(), 0))
            except TimeoutError:
                raise HTTPException(408, f"The request took longer than {timeout:g} s: send it again.") from None
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk, more = message.get("body", b""), message.get("more_body", False)
            received += len(chunk)
            on_chunk(len(chunk))
            if received > max_bytes:
                raise too_large(max_bytes)
            body.write(chunk)
    except BaseException:
        body.close()
        raise
    body.seek(0)
    return body


def replay(body: IO[bytes], receive: Receive) -> Receive:
    """A `receive` that returns the body that was read already, and after it the messages of the original `receive`."""
    done = False

    async def receive_again() -> Message:
        nonlocal done
        if done:
            return await receive()
        chunk = body.read(_CHUNK)
        done = len(chunk) < _CHUNK
        if done:
            body.close()
        return {"type": "http.request", "body": chunk, "more_body": not done}

    return receive_again


def session_hash(body: IO[bytes]) -> str:
    """The session that a JSON message names, "" if it names none. The file is at its beginning again.

    Raises:
        HTTPException: the body is not valid JSON, or its session is not a printable text of 1 to 100 characters.
    """
    try:
        message = json.loads(body.read() or b"{}")
    except (ValueError, RecursionError):
        raise HTTPException(400, MALFORMED) from None
    finally:
        body.seek(0)
    session = message.get("session_hash") if isinstance(message, dict) else None
    if session is not None and not (isinstance(session, str) and 0 < len(session) <= 100 and session.isprintable()):
        raise HTTPException(400, MALFORMED)
    return session or ""


def count_files(content_type: bytes, body: IO[bytes]) -> int:
    """The number of files in a multipart form. The file is at its beginning again.

    Raises:
        HTTPException: the form is malformed, has a part that is not a file called "files", or too many of them.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    # Gradio's decoder may take hours with another character set
    if kind != b"multipart/form-data" or options.get(b"charset", b"utf-8").lower() != b"utf-8":
        raise HTTPException(400, MALFORMED)
    if not 0 < len(boundary) <= _MAX_BOUNDARY:
        raise HTTPException(400, MALFORMED)
    form = _FormChecker()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": form.on_part_begin,
            "on_header_field": form.on_header_field,
            "on_header_value": form.on_header_value,
            "on_header_end": form.on_header_end,
            "on_headers_finished": form.on_headers_finished,
            "on_end": form.on_end,
        },
    )
    try:
        while chunk := body.read(_CHUNK):
            parser.write(chunk)
    except (ValueError, KeyError):  # the parser's own errors are ValueErrors
        raise HTTPException(400, MALFORMED) from None
    finally:
        body.seek(0)
    if not form.complete or form.files == 0:
        raise HTTPException(400, MALFORMED)
    return form.files


class _FormChecker:
    """Callbacks of the parser: every part has to be a file called "files", with a file name."""

    def __init__(self) -> None:
        self.files, self.complete = 0, False
        self._name = self._value = self._disposition = b""

    def on_part_begin(self) -> None:
        self.files += 1
        self._disposition = b""
        if self.files > MAX_FILES:
            raise HTTPException(400, f"An upload may have at most {MAX_FILES} files: send the rest in another one.")

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        file = options.get(b"filename", b"").replace(b"\\", b"/").rpartition(b"/")[2]
        if options.get(b"name") != b"files" or file.strip() in (b"", b".", b".."):
            raise HTTPException(400, MALFORMED)

    def on_end(self) -> None:
        self.complete = True


def too_large(max_bytes: int) -> HTTPException:
    """The response to a body above the limit."""
    limit = f"{max_bytes // MIB} MB" if max_bytes >= MIB else f"{max_bytes:,} bytes"
    return HTTPException(413, f"This request is too large: the limit is {limit}.")
