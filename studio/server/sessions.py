"""Limits on sessions: a new one replaces the oldest of the client that has most.

Gradio stores the state and the unread responses of every session, and at its own limit deletes the oldest session,
whichever client it belongs to.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from threading import Lock
from time import monotonic
from typing import Any

from starlette.exceptions import HTTPException

from studio.server.cleanup import MAX_SESSIONS, delete_session

MAX_UNREAD = 256
"""Responses of one client that may wait to be fetched, on a public server."""
_STALE = 120.0
"""Seconds without a request after which a session's unread responses may be discarded."""


class Sessions:
    """The client of every session.

    Args:
        max_unread: responses of one client that may wait to be fetched; infinity switches the limit off.
    """

    def __init__(self, max_unread: float = math.inf) -> None:
        self._max_unread, self._lock = max_unread, Lock()
        self._last_request: dict[str, tuple[str, float]] = {}

    def admit(self, app: Any, session: str, client: str) -> None:
        """Make room for the session of a request.

        Args:
            app: Gradio's, which stores the sessions.
            session: of the request; "" for an upload, which belongs to no session until an event names it.
            client: address of the client.

        Raises:
            HTTPException: too many responses wait for this client to fetch them.
        """
        if app is None:
            return
        blocks = app.get_blocks()
        if not session:
            blocks.session_cleaner.start()
            return
        states, responses = blocks.state_holder.session_data, blocks._queue.pending_messages_per_session
        with self._lock:
            self._last_request.pop(session, None)
            self._last_request[session] = (client, monotonic())
            if session not in states and len(states) >= MAX_SESSIONS - 1:
                delete_session(blocks, self._oldest_of_largest_client(states))
            if session not in responses and len(responses) >= MAX_SESSIONS:
                # an event that is running would fail without its queue of responses
                running = blocks._queue.pending_event_ids_session
                idle = [other for other in responses if not running.get(other)]
                if idle:
                    responses.pop(self._oldest_of_largest_client(idle), None)
            self._check_unread(responses, session, client)
            if len(self._last_request) > 4 * MAX_SESSIONS:
                requests = self._last_request.items()
                self._last_request = {key: value for key, value in requests if key in states or key in responses}

    def _oldest_of_largest_client(self, sessions: Iterable[str]) -> str:
        """The oldest session of the client with most sessions; sessions of unknown clients count as one client's."""
        clients = {session: self._client(session) for session in list(sessions)}
        largest = Counter(clients.values()).most_common(1)[0][0]
        return next(session for session, client in clients.items() if client == largest)

    def _check_unread(self, responses: Any, session: str, client: str) -> None:
        unread = {other: responses[other].qsize() for other in list(responses) if self._client(other) == client}
        if sum(unread.values()) < self._max_unread:
            return
        for other, count in unread.items():
            if count and other != session and self._last_request[other][1] < monotonic() - _STALE:
                while not responses[other].empty():
                    responses[other].get_nowait()
                unread[other] = 0
        if sum(unread.values()) >= self._max_unread:
            raise HTTPException(
                429, f"{self._max_unread:g} responses wait for your address, the limit: fetch them first."
            )

    def _client(self, session: str) -> str:
        return self._last_request.get(session, ("", 0.0))[0]
