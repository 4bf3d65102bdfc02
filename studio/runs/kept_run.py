"""`KeptRun`: a finished or stopped run that can go on, in the memory of its session; and `resume`.

Only the latest runs of all sessions are kept, because each holds tensors on the device.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import ClassVar
from weakref import ref

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.settings import bounds
from studio.runs.base import Run, until_cancelled
from studio.runs.events import Event
from studio.runs.request import Request

MOST = 16
"""Runs of all sessions that are kept; a further one replaces the oldest."""
GONE = "This run can no longer go on: press Run to start again."


class KeptRun:
    """A place for one run. It is empty at first, after `drop`, and in a process in which the run did not work."""

    _all: ClassVar[deque[ref[KeptRun]]] = deque()

    def __init__(self) -> None:
        self._run: Run | None = None
        self._request: Request | None = None

    def keep(self, run: Run, request: Request) -> None:
        """Keep a run; with more than `MOST` the oldest one of all sessions is dropped."""
        self._run, self._request = run, request
        KeptRun._all.append(ref(self))
        while len(KeptRun._all) > MOST:
            oldest = KeptRun._all.popleft()()
            if oldest is not None and ref(oldest) not in KeptRun._all:
                oldest.drop()

    @classmethod
    def drop_all(cls) -> None:
        """Release the runs of all sessions, and with them the model that they hold."""
        while cls._all:
            if (kept := cls._all.popleft()()) is not None:
                kept.drop()

    def drop(self) -> None:
        """Release the run."""
        self._run = self._request = None

    @property
    def more(self) -> int:
        """The updates that `resume` would make: those that are left, or as many as were asked for once more."""
        if self._run is None or self._request is None or self._run.history.best is None:
            return 0
        made, planned = self._run.history.points[-1].step, self._run.settings.optimisation_steps
        if made < planned:
            return planned - made
        return min(self._request.settings.optimisation_steps, int(bounds("optimisation_steps")[1]) - made)

    def resume(self, stop: CancelToken) -> Iterator[Event]:
        """Progress events from the picture reached, then one Outcome of the whole run.

        Raises:
            UserError: there is no run to go on with.
        """
        run, request, more = self._run, self._request, self.more
        if run is None or request is None or not more:
            raise UserError(GONE)
        stopped = yield from until_cancelled(run.resume(stop, run.history.points[-1].step + more))
        if outcome := run.outcome_with_verdict(stopped, request):
            self.keep(run, request)
            yield outcome
