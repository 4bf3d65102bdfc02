"""`RateLimiter`: a token bucket for each client."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

_MANY = 10_000


@dataclass
class RateLimiter:
    """A bucket for each person, which holds `most` and fills up by `a_minute`.

    Args:
        most: what one may take at once.
        a_minute: what comes back in a minute; infinity where nobody counts.
        clock: seconds.
    """

    most: float
    a_minute: float
    clock: Callable[[], float] = monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, who: str, amount: float = 1) -> bool:
        """Whether this person still had so much; then it is taken. Below zero nothing is given until it has filled up
        again, so a last amount may be larger than what was left.
        """
        if self.a_minute == math.inf:
            return True
        with self._lock:
            now = self.clock()
            left, since = self._left.get(who, (self.most, now))
            left = min(left + (now - since) / 60 * self.a_minute, self.most)
            given = left > 0
            self._left[who] = (left - amount if given else left, now)
            if len(self._left) > _MANY:
                self._forget(now)
        return given

    def _forget(self, now: float) -> None:
        """Whose bucket is full again is as good as unknown."""
        full = [who for who, (left, at) in self._left.items() if left + (now - at) / 60 * self.a_minute >= self.most]
        for who in full:
            del self._left[who]
