"""`Sessions`: a limit on open sessions. A new one replaces a session of the client that has most.

Gradio alone would drop the least recently used session, whichever client it belongs to.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from threading import Lock
from time import monotonic

import gradio as gr
from starlette.exceptions import HTTPException

from studio.server import gradio_internals as internals
from studio.server.cleanup import SESSIONS, SessionCleaner

UNREAD = 256
"""Answers that may wait for one address to fetch them."""
_STALE = 120.0
"""Seconds without a request after which a session's answers may be dropped."""


class Sessions:
    """Which address has which session.

    Args:
        blocks: the page.
        cleaner: of the page.
        unread: answers that may wait for one address; infinity for no limit.
    """

    def __init__(self, blocks: gr.Blocks, cleaner: SessionCleaner, unread: float = math.inf) -> None:
        self._blocks, self._cleaner = blocks, cleaner
        self._unread, self._lock = unread, Lock()
        self._seen: dict[str, tuple[str, float]] = {}

    def admit(self, session: str, address: str) -> None:
        """Make room for a request of this session.

        Args:
            session: its name; "" for an upload, which belongs to no session until an event names the file.
            address: the client's.

        Raises:
            HTTPException: too many answers wait for this address to fetch them.
        """
        if not session:
            self._cleaner.start()
            return
        with self._lock:
            self._seen.pop(session, None)
            self._seen[session] = (address, monotonic())
            states = internals.session_ids(self._blocks)
            if session not in states and len(states) >= SESSIONS - 1:
                self._cleaner.drop(self._of_the_busiest(states))
            self._make_room_for_answers(session)
            answers = internals.waiting_answers(self._blocks)
            self._check_unread(answers, session, address)
            if len(self._seen) > 4 * SESSIONS:
                self._seen = {one: by for one, by in self._seen.items() if one in answers or self._is_held(one)}

    def _make_room_for_answers(self, session: str) -> None:
        answers = internals.waiting_answers(self._blocks)
        if session not in answers and len(answers) >= SESSIONS:
            idle = [one for one in answers if not internals.is_working(self._blocks, one)]
            if idle:
                internals.drop_answers(self._blocks, self._of_the_busiest(idle))

    def _is_held(self, session: str) -> bool:
        return internals.session_state(self._blocks, session) is not None

    def _of_the_busiest(self, sessions: Iterable[str]) -> str:
        """The oldest session of the address that has most; all sessions of unknown addresses count as one address."""
        owners = {session: self._seen.get(session, ("", 0.0))[0] for session in sessions}
        most = Counter(owners.values()).most_common(1)[0][0]
        return next(session for session, owner in owners.items() if owner == most)

    def _check_unread(self, answers: Mapping[str, int], session: str, address: str) -> None:
        own = {one: size for one, size in answers.items() if self._seen.get(one, ("", 0.0))[0] == address}
        if sum(own.values()) < self._unread:
            return
        for one, waiting in own.items():
            if waiting and one != session and self._seen[one][1] < monotonic() - _STALE:
                internals.empty_answers(self._blocks, one)
                own[one] = 0
        if sum(own.values()) >= self._unread:
            raise HTTPException(429, "Too many answers wait for your address to fetch them: fetch them first.")
