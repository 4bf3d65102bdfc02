"""`DeviceQueue`: one job at a time on the device, round robin over clients, with the position of each job.

    order = (number of earlier jobs of the same client, time of arrival or of that client's last turn)

The second job of a client therefore comes after the first jobs of all others. Every job is served in the end, because
a job moves back only when another job of the same client has been served.
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
"""Seconds between two calls of `keep_waiting`."""


@dataclass(frozen=True)
class Limits:
    """The limits of one device.

    Args:
        jobs: largest number of jobs in the queue, the running one included.
        per_client: largest number of those of one client.
        seconds: longest time of a job on the device; it is then asked to stop.
    """

    jobs: int = 20
    per_client: int = 20
    seconds: float = math.inf


HOME = Limits(jobs=18, per_client=18, seconds=3600)
PUBLIC = Limits(jobs=18, per_client=3, seconds=300)
CONCURRENT_RUNS = 20
"""How many runs Gradio's own queue lets through at once: more than `Limits.jobs`, because only DeviceQueue reports a
position."""


class _Ticket:
    """One job in the queue, and its client; compared by identity."""

    def __init__(self, client: str) -> None:
        self.client = client


class DeviceQueue:
    """A lock with an order. `with queue:` waits without limit; `enter` calls back while it waits."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self._changed = Condition()
        self._tickets: list[_Ticket] = []
        self._holder: _Ticket | None = None

    def enter(self, keep_waiting: Callable[[int], bool], client: str = "") -> bool:
        """Wait for the device.

        Args:
            keep_waiting: called with the number of jobs before this one, at once, every `POLL` seconds and after every
                change of the queue; returns whether to wait on.
            client: the address of the client; "" if unknown, and then only the length of the queue is limited.

        Returns:
            True with the device held, until `leave`; False if `keep_waiting` returned False.

        Raises:
            UserError: the queue is full, or it has too many jobs of this client.
        """
        ticket = self._add(client)
        while True:
            with self._changed:
                ahead = self._order().index(ticket)
                if ahead == 0:
                    self._holder = ticket
                    return True
            if not self._keeps_waiting(keep_waiting, ahead, ticket):
                return False
            with self._changed:
                if self._order().index(ticket) == ahead:
                    self._changed.wait(POLL)

    @contextmanager
    def counted(self, client: str = "") -> Iterator[None]:
        """A job that counts towards the limits and does not wait, because another machine schedules it.

        Args:
            client: as for `enter`.

        Raises:
            UserError: as `enter`.
        """
        ticket = self._add(client)
        try:
            yield
        finally:
            with self._changed:
                self._tickets.remove(ticket)

    def leave(self) -> None:
        """Release the device to the next job."""
        with self._changed:
            if self._holder is not None:
                self._tickets.remove(self._holder)
                client, self._holder = self._holder.client, None
                # the other jobs of this client move behind all others, in their order of arrival
                self._tickets.sort(key=lambda ticket: bool(client) and ticket.client == client)
            self._changed.notify_all()

    def locked(self) -> bool:
        """Whether a job holds the device or waits for it."""
        return bool(self._tickets)

    def _add(self, client: str) -> _Ticket:
        ticket, limits = _Ticket(client), self.limits
        with self._changed:
            if len(self._tickets) >= limits.jobs:
                raise UserError(f"The queue is full with {limits.jobs} runs: try again in a few minutes.")
            if client and sum(other.client == client for other in self._tickets) >= limits.per_client:
                own = "one run" if limits.per_client == 1 else f"{limits.per_client} runs"
                raise UserError(f"You already have {own} in the queue: stop one or let one end, then press Run.")
            self._tickets.append(ticket)
        return ticket

    def _keeps_waiting(self, keep_waiting: Callable[[int], bool], ahead: int, ticket: _Ticket) -> bool:
        """The callback's answer; the ticket is removed if it is False, and if the callback raises."""
        answer = False
        try:
            answer = keep_waiting(ahead)
        finally:
            if not answer:
                with self._changed:
                    self._tickets.remove(ticket)
                    self._changed.notify_all()
        return answer

    def _order(self) -> list[_Ticket]:
        """All tickets in the order of service; the holder is first and counts as an earlier job of its client."""
        queue = sorted(self._tickets, key=lambda ticket: ticket is not self._holder)
        earlier: Counter[str] = Counter()
        turns: dict[_Ticket, int] = {}
        for ticket in queue:
            turns[ticket] = earlier[ticket.client] if ticket.client else 0
            earlier[ticket.client] += 1
        return sorted(queue, key=lambda ticket: (ticket is not self._holder, turns[ticket]))

    def __enter__(self) -> None:
        self.enter(lambda ahead: True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
