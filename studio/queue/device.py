"""`DeviceQueue`: one job at a time on the device, everybody in turn, and everybody may ask how many are before them.

    place = (jobs of the same person before this one, time of arrival or of that person's last turn)

So whoever brings three jobs waits with the second behind everybody's first; and nobody waits for ever, because a job
goes back only when another one of the same person has been served.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from types import TracebackType

from studio.core.errors import UserError

POLL = 0.1


@dataclass(frozen=True)
class Limits:
    """What one device gives.

    Args:
        jobs: how many may be in line, the one at work among them.
        each: how many of those may be one person's.
        seconds: how long a job may hold the device before it is asked to stop.
    """

    jobs: int = 20
    each: int = 20
    seconds: float = math.inf


HOME = Limits(jobs=18, each=18, seconds=3600)
PUBLIC = Limits(jobs=18, each=3, seconds=300)
CONCURRENT_RUNS = 20
"""How many runs Gradio's own queue lets through at once: more than `Limits.jobs`, because only DeviceQueue reports a
position."""


class _Ticket:
    """A job in line, and whose it is; compared by identity."""

    def __init__(self, who: str) -> None:
        self.who = who


class DeviceQueue:
    """A lock with an order. `with line:` waits as long as it takes; `enter` also looks up now and then."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self._changed = Condition()
        self._arrived: list[_Ticket] = []
        self._holder: _Ticket | None = None

    def enter(self, tell: Callable[[int], bool], who: str = "") -> bool:
        """Wait for the device.

        Args:
            tell: called with the number of jobs before this one, at once and whenever a while has passed or somebody
                has left; returns whether to go on waiting.
            who: whose job it is; "" where nobody knows, and then only the line's own length counts.

        Returns:
            True with the device in hand, to be given back by `leave`; False if `tell` gave up.

        Raises:
            UserError: the line is full, or too many jobs in it are this person's.
        """
        ticket = self._arrive(who)
        while True:
            with self._changed:
                ahead = self._order().index(ticket)
                if ahead == 0:
                    self._holder = ticket
                    return True
            if not self._asked(tell, ahead, ticket):
                return False
            with self._changed:
                if self._order().index(ticket) == ahead:
                    self._changed.wait(POLL)

    @contextmanager
    def counted(self, who: str = "") -> Iterator[None]:
        """A job that is counted and waits for nothing: where it runs, and when, is up to somebody else.

        Args:
            who: whose it is, as for `enter`.

        Raises:
            UserError: as `enter`.
        """
        ticket = self._arrive(who)
        try:
            yield
        finally:
            with self._changed:
                self._arrived.remove(ticket)

    def leave(self) -> None:
        """The device is free for the next."""
        with self._changed:
            if self._holder is not None:
                self._arrived.remove(self._holder)
                who, self._holder = self._holder.who, None
                # all that person's other jobs behind everybody else's, in the order in which they came
                self._arrived.sort(key=lambda ticket: bool(who) and ticket.who == who)
            self._changed.notify_all()

    def locked(self) -> bool:
        """Whether somebody holds the device or waits for it."""
        return bool(self._arrived)

    def _arrive(self, who: str) -> _Ticket:
        ticket, limits = _Ticket(who), self.limits
        with self._changed:
            if len(self._arrived) >= limits.jobs:
                raise UserError(f"{limits.jobs} runs are waiting here already: try again in a few minutes.")
            if who and sum(other.who == who for other in self._arrived) >= limits.each:
                own = "one run" if limits.each == 1 else f"{limits.each} runs"
                raise UserError(f"You have {own} in line here already: stop one, or let one end, and press Run again.")
            self._arrived.append(ticket)
        return ticket

    def _asked(self, tell: Callable[[int], bool], ahead: int, ticket: _Ticket) -> bool:
        """Whether to go on waiting; the place is given up where not, and where asking fails."""
        going_on = False
        try:
            going_on = tell(ahead)
        finally:
            if not going_on:
                with self._changed:
                    self._arrived.remove(ticket)
                    self._changed.notify_all()
        return going_on

    def _order(self) -> list[_Ticket]:
        """All tickets as they will be served; the holder's is the first, and its person's next one comes later."""
        queue = sorted(self._arrived, key=lambda ticket: ticket is not self._holder)
        before: Counter[str] = Counter()
        turns: dict[_Ticket, int] = {}
        for ticket in queue:
            turns[ticket] = before[ticket.who] if ticket.who else 0
            before[ticket.who] += 1
        return sorted(queue, key=lambda ticket: (ticket is not self._holder, turns[ticket]))

    def __enter__(self) -> None:
        self.enter(lambda ahead: True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
