"""Which visits there are: a new one takes a place from whoever has most, never from somebody who has one.

Gradio keeps a visit's state and its unread answers until there are too many, and forgets the oldest then, whoever it
belongs to.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from threading import Lock
from time import monotonic
from typing import Any

from studio.server.body import Refused
from studio.server.cleanup import SESSIONS, forget

UNREAD = 256
"""Answers that may wait for one address to fetch them."""
_STALE = 120.0
"""Seconds after which nobody is expected to fetch the answers of a visit that asked for nothing more."""


class Sessions:
    """Who has which visit.

    Args:
        unread: answers that may wait for one address; infinity where nobody counts.
    """

    def __init__(self, unread: float = math.inf) -> None:
        self._unread, self._lock = unread, Lock()
        self._seen: dict[str, tuple[str, float]] = {}

    def admit(self, app: Any, session: str, who: str) -> None:
        """Make room for what this visit asks for.

        Args:
            app: Gradio's, which holds the visits.
            session: the visit; "" for an upload, which belongs to none until an event brings it.
            who: the address it comes from.

        Raises:
            Refused: too many answers wait for this address to fetch them.
        """
        if app is None:
            return
        blocks = app.get_blocks()
        if not session:
            blocks.departures.watch()
            return
        states, answers = blocks.state_holder.session_data, blocks._queue.pending_messages_per_session
        with self._lock:
            self._seen.pop(session, None)
            self._seen[session] = (who, monotonic())
            if session not in states and len(states) >= SESSIONS - 1:
                forget(blocks, self._of_the_busiest(states))
            if session not in answers and len(answers) >= SESSIONS:
                # whoever still works would fail without a place for the answer
                at_work = blocks._queue.pending_event_ids_session
                idle = [one for one in answers if not at_work.get(one)]
                if idle:
                    answers.pop(self._of_the_busiest(idle), None)
            self._check_unread(answers, session, who)
            if len(self._seen) > 4 * SESSIONS:
                self._seen = {one: by for one, by in self._seen.items() if one in states or one in answers}

    def _of_the_busiest(self, sessions: Iterable[str]) -> str:
        """The oldest visit of whoever has most; those of nobody known count as one person's."""
        owners = {session: self._seen.get(session, ("", 0.0))[0] for session in list(sessions)}
        most = Counter(owners.values()).most_common(1)[0][0]
        return next(session for session, who in owners.items() if who == most)

    def _check_unread(self, answers: Any, session: str, who: str) -> None:
        own = {one: answers[one].qsize() for one in list(answers) if self._seen.get(one, ("", 0.0))[0] == who}
        if sum(own.values()) < self._unread:
            return
        for one, waiting in own.items():
            if waiting and one != session and self._seen[one][1] < monotonic() - _STALE:
                while not answers[one].empty():
                    answers[one].get_nowait()
                own[one] = 0
        if sum(own.values()) >= self._unread:
            raise Refused(429, "Answers to what was asked from where you are wait to be fetched: fetch them first.")
