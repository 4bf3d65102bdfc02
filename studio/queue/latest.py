"""`latest_only`: run a generator in a thread of its own and yield only its newest item, so that a page never slows it.

A run that yields to the page directly waits until each frame is encoded: at 512 x 512 a run took more than three times
as long. Here the worker never waits, and the frames between two reads are dropped. Each item must therefore hold the
whole state (the curve so far, not its last point). The last item always arrives.
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
    """One item between two threads; a second `put` replaces the first item."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._items: list[Item] = []
        self._closed = False

    def put(self, item: Item) -> None:
        """Replace the item; never blocks."""
        with self._changed:
            self._items[:] = [item]
            self._changed.notify()

    def close(self) -> None:
        """Called after the last `put`."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def wait_closed(self, timeout: float) -> bool:
        """Wait until `close`, at most for the timeout; whether it is closed."""
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
def time_limit(seconds: float, stop: CancelToken) -> Iterator[None]:
    """Set the token after so many seconds, with the reason."""
    if seconds == math.inf:
        yield
        return
    timer = Timer(seconds, stop.set, [time_limit_message(seconds)])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def time_limit_message(seconds: float) -> str:
    """The message for the user of a run that reached the limit."""
    long = f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    return f"A run may take {long} here. This one reached that limit and was stopped; its results so far are kept."


def latest_only(
    work: Iterable[Item],
    stop: CancelToken,
    device: DeviceQueue,
    *,
    waiting: Callable[[int], Item] | None = None,
    rate: float = 10.0,
    heartbeat: float = 0.25,
    slot: Slot[Item] | None = None,
) -> Iterator[Item | None]:
    """The newest items of `work`, at most `rate` a second; None after `heartbeat` seconds without a new one.

    Args:
        work: iterated in the worker thread, while it holds the device.
        stop: set here when this generator is closed, as by a closed tab; `work` must check it and end early.
        device: one job at a time. A job that is cancelled in the queue does not start. A job that reaches the device's
            time limit is stopped, and the token holds the reason.
        waiting: number of jobs before this one -> item.
        rate: items per second.
        heartbeat: seconds; a generator can be closed at a yield only, so the time between two must be short.
        slot: where `work` itself puts items between those it yields; a new one if None.

    Raises:
        Exception: an error of `work`, after the items before it.
        RuntimeError: an exit or an interrupt ended the worker thread.
    """
    slot = Slot() if slot is None else slot
    failure: list[BaseException] = []
    position: list[int] = []

    def keep_waiting(ahead: int) -> bool:
        if waiting is not None and position != [ahead]:
            position[:] = [ahead]
            slot.put(waiting(ahead))
        return not stop.is_set()

    def worker() -> None:
        try:
            if device.enter(keep_waiting, stop.who):
                try:
                    with time_limit(device.limits.seconds, stop):
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
            # raised here, an exit or an interrupt of the worker would end the whole program
            raise RuntimeError("The thread of this run died.") from failure[0]
    finally:
        # no join: the page closes this generator in its event loop, which must not wait for a network call
        stop.set()
