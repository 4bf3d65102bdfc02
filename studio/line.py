"""`Line`: one job at a time on the device, first come, first served, and everybody may ask how many are before them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition
from types import TracebackType

POLL = 0.1


class Line:
    """A lock with an order. `with line:` waits as long as it takes; `enter` also looks up now and then."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: deque[object] = deque()

    def enter(self, tell: Callable[[int], bool]) -> bool:
        """Wait for the device.

        Args:
            tell: called with the number of jobs before this one, at once and whenever a while has passed or somebody
                has left; returns whether to go on waiting.

        Returns:
            True with the device in hand, to be given back by `leave`; False if `tell` gave up.
        """
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
        while True:
            with self._changed:
                ahead = self._waiting.index(ticket)
            if ahead == 0:
                return True
            if not tell(ahead):
                with self._changed:
                    self._waiting.remove(ticket)
                    self._changed.notify_all()
                return False
            with self._changed:
                if self._waiting.index(ticket) == ahead:
                    self._changed.wait(POLL)

    def leave(self) -> None:
        """The device is free for the next."""
        with self._changed:
            self._waiting.popleft()
            self._changed.notify_all()

    def locked(self) -> bool:
        """Whether somebody holds the device."""
        return bool(self._waiting)

    def __enter__(self) -> None:
        self.enter(lambda ahead: True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
