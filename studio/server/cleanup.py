"""`SessionCleaner`: when a page closes, its runs stop at once; its files and state are deleted `EXPIRY` seconds later.

Later, because a phone in standby closes its connection too, and opens it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock, Thread
from time import monotonic, sleep, time
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr

from studio.queue.cancel import CancelTokens
from studio.server import gradio_internals as internals
from studio.server.client import session_name
from studio.server.uploads import folder

EXPIRY = 600.0
"""Seconds without use after which a closed session is deleted."""
SESSIONS = 200
"""How many sessions are kept at most; each holds the state of its page, half a megabyte and more."""


class SessionCleaner:
    """Deletes closed sessions of one page, and uploads that no session uses. A thread works while there are any."""

    def __init__(self, blocks: gr.Blocks) -> None:
        self._blocks, self._lock = blocks, Lock()
        self._due: dict[str, float] = {}
        self._recorded: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
        self._running = False

    def on_unload(self, cancel_tokens: CancelTokens) -> None:
        """Stop the runs of every page that closes, and have its session expire."""

        def leave(request: gr.Request) -> None:
            name = session_name(request)
            cancel_tokens.cancel_all(name)
            self.expire(name)

        self._blocks.unload(leave)

    def expire(self, session: str) -> None:
        """Delete this session when it was not used for `EXPIRY` seconds."""
        with self._lock:
            self._due[session] = monotonic() + EXPIRY
        self.start()

    def start(self) -> None:
        """Run the thread; it also deletes uploads that belong to no session."""
        with self._lock:
            if not self._running:
                self._running = True
                Thread(target=self._run, daemon=True, name="studio-cleaner").start()

    def record_files(self, state: Any, values: Any) -> None:
        """Remember the files that an event of a session brought or made.

        Only the exact paths under which Gradio stored uploads and results are remembered: they will be deleted, and a
        path in a request is text that anybody can write.

        Args:
            state: of Gradio's session; None for an event without one.
            values: JSON of the event's inputs or outputs.
        """
        if state is not None:
            self._recorded.setdefault(state, set()).update(self._stored(values))

    def drop(self, session: str) -> None:
        """Delete a session's state and files. A file that another session shows stays: equal pictures are one file."""
        state = internals.drop_session(self._blocks, session)
        if state is not None:
            self._delete(self._files_of(state) - self._in_use())

    def sweep(self) -> int:
        """Delete uploads that no session shows and that are older than `EXPIRY`; the number of those still younger.

        Gradio's own round (`delete_cache`) deletes them an hour later, and ends for good when an upload arrives while
        it runs.
        """
        files = {path for known in internals.file_sets(self._blocks) for path in list(known)}
        files -= internals.page_files(self._blocks)
        if not files:
            return 0
        unused = files - self._in_use()
        late = {path for path in unused if _modified(path) < time() - EXPIRY}
        self._delete(late)
        return len(unused - late)

    def _run(self) -> None:
        while True:
            sleep(min(EXPIRY / 2, 30))
            waiting = self.sweep()
            with self._lock:
                late = [session for session, due in self._due.items() if due <= monotonic()]
            for session in late:
                with suppress(RuntimeError):  # a session changed while it was read: next time
                    self._settle(session)
            with self._lock:
                if not self._due and not waiting:
                    self._running = False
                    return

    def _settle(self, session: str) -> None:
        """Delete the session, or check again later: it was used again, or an event that still ran brought it back."""
        used = internals.last_used(self._blocks, session)
        idle = (datetime.now() - used).total_seconds() if used else EXPIRY
        held = internals.session_state(self._blocks, session) is not None
        if held and idle >= EXPIRY:
            self.drop(session)
        with self._lock:
            if held:
                self._due[session] = monotonic() + EXPIRY
            else:
                del self._due[session]

    def _in_use(self) -> set[str]:
        """Files that the page or any session shows."""
        states = (internals.session_state(self._blocks, one) for one in internals.session_ids(self._blocks))
        held = [self._files_of(state) for state in states if state is not None]
        return internals.page_files(self._blocks).union(*held)

    def _files_of(self, state: Any) -> set[str]:
        return self._recorded.get(state, set()) | self._stored(internals.shown_values(state))

    def _stored(self, values: Any) -> set[str]:
        """The files in a JSON value that Gradio stored."""
        sets = internals.file_sets(self._blocks)
        found: set[str] = set()
        waiting = [values]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                path = value.get("path")
                if isinstance(path, str) and any(path in known for known in sets):
                    found.add(path)
                waiting += value.values()
            elif isinstance(value, list | tuple):
                waiting += value
        return found

    def _delete(self, paths: Iterable[str]) -> None:
        """Delete files of Gradio's own folder, and nothing else."""
        for path in paths:
            if Path(path).resolve().is_relative_to(folder()):
                with suppress(OSError):
                    Path(path).unlink()
            for known in internals.file_sets(self._blocks):
                known.discard(path)


def _modified(path: str) -> float:
    try:
        return Path(path).lstat().st_mtime
    except OSError:
        return 0.0  # deleted already: drop it with the rest
