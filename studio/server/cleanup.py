"""A closed page: its runs are cancelled at once; its files and Gradio's state for it are deleted ten minutes later.

The delay is there because a telephone that falls asleep looks like a closed page, and reconnects when it wakes up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock, Thread
from time import monotonic, sleep, time
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from studio.queue.cancel import CancelTokens
from studio.server.uploads import upload_folder
from studio.server.visitor import visitor_name

_FILES = "files_of_this_session"
SESSION_TIMEOUT = 600.0
"""Seconds after its last use for which the session of a closed page is kept."""
MAX_SESSIONS = 200
"""Each holds the state of a whole page, half a megabyte and more."""


class SessionCleaner:
    """Deletes the sessions of closed pages after `SESSION_TIMEOUT`, in a thread that runs while there are any."""

    def __init__(self, blocks: gr.Blocks) -> None:
        self._blocks, self._lock = blocks, Lock()
        self._due: dict[str, float] = {}
        self._running = False

    def add(self, session: str) -> None:
        """Delete this session when it has been idle for `SESSION_TIMEOUT` seconds."""
        with self._lock:
            self._due[session] = monotonic() + SESSION_TIMEOUT
        self.start()

    def start(self) -> None:
        """Start the thread, which also deletes files that belong to no session."""
        with self._lock:
            if not self._running:
                self._running = True
                Thread(target=self._run, daemon=True, name="studio-session-cleaner").start()

    def _run(self) -> None:
        while True:
            sleep(min(SESSION_TIMEOUT / 2, 30))
            unused_files = sweep(self._blocks)
            with self._lock:
                expired = [session for session, due in self._due.items() if due <= monotonic()]
            for session in expired:
                with suppress(RuntimeError):  # the session changed during the iteration: retried in the next round
                    self._delete_if_idle(session)
            with self._lock:
                if not self._due and not unused_files:
                    self._running = False
                    return

    def _delete_if_idle(self, session: str) -> None:
        """Delete a session that has been idle; it stays due while it exists, because a late event may recreate it."""
        state: Any = self._blocks.state_holder
        last_used = state.time_last_used.get(session)
        idle = (datetime.now() - last_used).total_seconds() if last_used else SESSION_TIMEOUT
        exists = session in state.session_data
        if exists and idle >= SESSION_TIMEOUT:
            delete_session(self._blocks, session)
        with self._lock:
            if exists:
                self._due[session] = monotonic() + SESSION_TIMEOUT
            else:
                del self._due[session]


def wire_cleanup(blocks: gr.Blocks, cancel_tokens: CancelTokens) -> None:
    """Cancel a page's runs when it closes, and delete its session `SESSION_TIMEOUT` seconds later."""
    cleaner = SessionCleaner(blocks)
    blocks.session_cleaner = cleaner  # type: ignore[attr-defined]

    def unload(visitor: gr.Request) -> None:
        session = visitor_name(visitor)
        cancel_tokens.cancel_all(session)
        cleaner.add(session)

    blocks.unload(unload)


def record_files(blocks: gr.Blocks, session_state: Any, values: Any) -> None:
    """Record the files among an event's inputs or outputs, to be deleted with the session.

    Only uploads and files made here are recorded, by Gradio's own names: recorded files are deleted, and a path in a
    request is text that any client can write.
    """
    if session_state is not None:
        session_state.__dict__.setdefault(_FILES, set()).update(_files(blocks, values))


def expire_session() -> None:
    """In an event of the API: delete its session after `SESSION_TIMEOUT`, since API clients close no page."""
    blocks, request = LocalContext.blocks.get(None), LocalContext.request.get(None)
    session = getattr(request, "session_hash", None)
    cleaner = getattr(blocks, "session_cleaner", None)
    if cleaner is not None and session:
        cleaner.add(session)


def delete_session(blocks: gr.Blocks, session: str) -> None:
    """Delete Gradio's state of a session, and its files.

    A file that another session shows is kept: Gradio stores equal images once.
    """
    holder: Any = blocks.state_holder
    state = holder.session_data.pop(session, None)
    holder.time_last_used.pop(session, None)
    if state is not None:
        delete(blocks, _session_files(blocks, state) - in_use(blocks))


def in_use(blocks: gr.Blocks) -> set[str]:
    """The files that the page itself or any session shows."""
    sessions = list(blocks.state_holder.session_data.values())
    return set(_page_files(blocks)).union(*(_session_files(blocks, state) for state in sessions))


def delete(blocks: gr.Blocks, paths: Iterable[str]) -> None:
    """Delete files of Gradio's folder; other paths are left alone."""
    for path in paths:
        if Path(path).resolve().is_relative_to(upload_folder()):
            with suppress(OSError):
                Path(path).unlink()
        for temp_files in list(blocks.temp_file_sets):
            temp_files.discard(path)


def sweep(blocks: gr.Blocks) -> int:
    """Delete files that no session shows and that are older than `SESSION_TIMEOUT`, such as uploads that no event used.

    Gradio's own deletion runs an hour later, and stops for good if an upload arrives while it runs.

    Returns:
        How many unused files are not old enough yet.
    """
    files = {path for temp_files in list(blocks.temp_file_sets) for path in list(temp_files)} - set(_page_files(blocks))
    if not files:
        return 0
    unused = files - in_use(blocks)
    expired = {path for path in unused if _modified(path) < time() - SESSION_TIMEOUT}
    delete(blocks, expired)
    return len(unused - expired)


def _modified(path: str) -> float:
    try:
        return Path(path).lstat().st_mtime
    except OSError:
        return 0.0  # deleted already


def _session_files(blocks: gr.Blocks, state: Any) -> set[str]:
    recorded: set[str] = state.__dict__.get(_FILES, set())
    return recorded | _files(blocks, state.config_values)


def _page_files(blocks: gr.Blocks) -> Iterator[str]:
    """Files of the page itself: examples."""
    for component in blocks.blocks.values():
        yield from getattr(component, "keep_in_cache", ())


def _files(blocks: gr.Blocks, value: Any) -> set[str]:
    """The uploads and the files made here that a JSON value names."""
    sets = list(blocks.temp_file_sets)
    found: set[str] = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            path = item.get("path")
            if isinstance(path, str) and any(path in temp_files for temp_files in sets):
                found.add(path)
            pending += item.values()
        elif isinstance(item, list | tuple):
            pending += item
    return found
