"""`latest_only`: run a generator in a thread of its own and yield only its newest item, so that watching costs nothing.

A page pulls its events, and whoever yields to it directly waits until the browser's frame is encoded: at 512 x 512
that more than tripled a run. Here the worker never waits; frames that nobody had time to look at are dropped. Items
must therefore be whole pictures of the state (curves so far, not the last point), and the last one always arrives.
"""

from __future__ import annotations

import contextvars
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread, Timer
from time import monotonic
from typing import Generic, TypeVar

from studio.core.cancellation import CancelToken
from studio.models.memory import trim_heap
from studio.queue.device import DeviceQueue

Item = TypeVar("Item")


class Slot(Generic[Item]):
    """A place for one item between two threads; putting a second one replaces the first."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._items: list[Item] = []
        self._closed = False

    def put(self, item: Item) -> None:
        """Never blocks."""
        with self._changed:
            self._items[:] = [item]
            self._changed.notify()

    def close(self) -> None:
        """Nothing more will be put."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def wait_closed(self, timeout: float) -> bool:
        """Sleep for the timeout, or less if the worker ends first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, timeout)

    def take(self, timeout: float) -> list[Item] | None:
        """The newest item in a list, [] after the timeout, None when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items) or self._closed, timeout)
            if not self._items and self._closed:
                return None
            taken, self._items = self._items, []
            return taken


@contextmanager
def at_most(seconds: float, stop: CancelToken) -> Iterator[None]:
    """Whatever still works after so long is asked to stop, and says why."""
    if seconds == math.inf:
        yield
        return
    alarm = Timer(seconds, stop.set, [time_up(seconds)])
    alarm.daemon = True
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()


def time_up(seconds: float) -> str:
    """What a person reads whose run was cut."""
    long = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    return f"A run may take {long} here, and this one was stopped then: what it reached is kept."


def latest_only(
    work: Iterable[Item],
    stop: CancelToken,
    device: DeviceQueue,
    *,
    waiting: Callable[[int], Item] | None = None,
    rate: float = 10.0,
    heartbeat: float = 0.25,
) -> Iterator[Item | None]:
    """Items of `work`, at most `rate` a second, the newest of those waiting; None where `heartbeat` s passed without.

    Args:
        work: iterated in the worker thread, while it holds the device.
        stop: set here when the consumer goes away (a closed tab closes this generator); `work` is expected to look
            at it and end early.
        device: one job at a time. A caller that is stopped while it waits in line ends without starting; one that
            works longer than the device's limit is stopped, and the flag says why.
        waiting: number of jobs before this one -> an item that says so.
        rate: items per second.
        heartbeat: seconds; a consumer can only be closed at a yield, so silence has to be short.

    Raises:
        Exception: whatever `work` raised, after the items before it.
        RuntimeError: it was the end of the thread itself.
    """
    slot: Slot[Item] = Slot()
    failure: list[BaseException] = []
    place: list[int] = []

    def tell(ahead: int) -> bool:
        if waiting is not None and place != [ahead]:
            place[:] = [ahead]
            slot.put(waiting(ahead))
        return not stop.is_set()

    def worker() -> None:
        try:
            if device.enter(tell, stop.who):
                try:
                    with at_most(device.limits.seconds, stop):
                        for item in work:
                            slot.put(item)
                finally:
                    device.leave()
        except BaseException as error:
            failure.append(error)
        finally:
            slot.close()
            trim_heap()

    Thread(target=contextvars.copy_context().run, args=(worker,), daemon=True, name="studio-run").start()
    try:
        shown = -1.0 / rate
        while (items := slot.take(heartbeat)) is not None:
            if items and (early := shown + 1 / rate - monotonic()) > 0:
                slot.wait_closed(early)
                items = slot.take(0) or items
            shown = monotonic()
            yield items[0] if items else None
        if failure:
            if isinstance(failure[0], Exception):
                raise failure[0]
            # an exit or an interrupt inside the worker must not take the page with it
            raise RuntimeError("The thread of this run died.") from failure[0]
    finally:
        # No join: the page closes this generator from its event loop, which must not wait for a network call.
        stop.set()
