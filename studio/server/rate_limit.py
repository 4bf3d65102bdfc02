"""`RateLimiter`: a token bucket for each client.

Not the package limits: its windows have no capacity apart from the rate, refuse every cost above the capacity, and the
moving one stores an entry for each unit of cost (160 MiB for an upload of 10 MiB).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

_MAX_CLIENTS = 10_000


@dataclass
class RateLimiter:
    """A bucket of tokens for each client, full at first and refilled at a constant rate.

    Args:
        capacity: tokens of a full bucket.
        refill: tokens a minute; infinity switches the limit off.
        clock: seconds.
    """

    capacity: float
    refill: float
    clock: Callable[[], float] = monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, client: str, cost: float = 1) -> bool:
        """Take tokens from a client's bucket, and return whether there were any.

        A cost above what is left is accepted once and makes the balance negative; then every request is refused until
        the balance is positive again.
        """
        if self.refill == math.inf:
            return True
        with self._lock:
            now = self.clock()
            balance = self._balance(*self._buckets.get(client, (self.capacity, now)), now)
            accepted = balance > 0
            self._buckets[client] = (balance - cost if accepted else balance, now)
            if len(self._buckets) > _MAX_CLIENTS:
                self._drop_full(now)
        return accepted

    def _balance(self, balance: float, since: float, now: float) -> float:
        return min(balance + (now - since) / 60 * self.refill, self.capacity)

    def _drop_full(self, now: float) -> None:
        """Drop full buckets: a client without one starts with a full one."""
        buckets = self._buckets.items()
        self._buckets = {client: held for client, held in buckets if self._balance(*held, now) < self.capacity}
