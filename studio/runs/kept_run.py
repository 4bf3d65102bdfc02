"""`KeptRun`: a finished or stopped run that can go on, in the memory of its session.

    resume        more updates of the same run
    link          the state from which the next edit of a chain goes on
    at_strength   the result at another place of the recorded path

Only the latest runs of all sessions are kept, because each holds tensors on the device.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar
from weakref import ref

from torch import Tensor

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.settings import Settings, bounds
from studio.images.load import to_image
from studio.runs.base import Run, until_cancelled
from studio.runs.events import Early, Event
from studio.runs.interpolation import Code
from studio.runs.measures.round_trip import RoundTrip
from studio.runs.request import Request

MOST_TEXT = 300
SAMPLED_WITH = (
    "mode", "order", "sampling_steps", "noise_level", "seed", "crop_zoom", "crop_x", "crop_y", "crop_turn",
)  # fmt: skip
"""Settings that a chain keeps: its codes belong to them."""
MOST = 16
"""Runs of all sessions that are kept; a further one replaces the oldest."""
GONE = "This run can no longer go on: press Run to start again."


@dataclass(frozen=True)
class Link:
    """The state that a chain has reached.

    Args:
        first: code of the first picture.
        code: of the picture reached.
        picture: (1, 3, size, size) in [-1, 1].
        composited: whether its pixels outside of an area are not those of the sample.
        round_trip: of the first picture.
    """

    first: Code
    code: Code
    picture: Tensor
    composited: bool
    round_trip: RoundTrip


class KeptRun:
    """A place for one run. It is empty at first, after `drop`, and in a process in which the run did not work."""

    _all: ClassVar[deque[ref[KeptRun]]] = deque()

    def __init__(self) -> None:
        self._run: Run | None = None
        self._request: Request | None = None
        self._strength = 1.0

    def keep(self, run: Run, request: Request) -> None:
        """Keep a run; with more than `MOST` the oldest one of all sessions is dropped."""
        self._run, self._request, self._strength = run, request, 1.0
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

    def resume(self, stop: CancelToken, early: Early | None = None) -> Iterator[Event]:
        """Progress events from the picture reached, then one Outcome of the whole run; `early` as for `Run`.

        Raises:
            UserError: there is no run to go on with.
        """
        run, request, more = self._run, self._request, self.more
        if run is None or request is None or not more:
            raise UserError(GONE)
        stopped = yield from until_cancelled(run.resume(stop, run.history.points[-1].step + more, early))
        if outcome := run.outcome_with_verdict(stopped, request):
            self.keep(run, request)
            yield outcome

    @property
    def chains(self) -> bool:
        """Whether the next edit of a chain can go on from the result."""
        return self._run is not None and self._run.settings.goal.keeps and self._run.history.best is not None

    @property
    def _is_made(self) -> bool:
        """Whether the prompt is more probable than not, at a strength of at least a half."""
        best = None if self._run is None else self._run.history.best
        return best is not None and next(iter(best.similarity.values())) >= 0.5 and self._strength >= 0.5

    def link(self, stop: CancelToken) -> Link:
        """The state reached.

        Raises:
            UserError: there is no run to go on from.
        """
        run = self._run
        if run is None or not self.chains or run.round_trip is None:
            raise UserError(GONE)
        run.go_on(stop)
        found, first = run.at_strength(self._strength), run.first_code
        if found is None or first is None:
            raise UserError(GONE)
        composited = not run.settings.everywhere and run.settings.outside == "exact"
        return Link(first, *found, composited, run.round_trip)

    def next_request(self, settings: Settings) -> Request:
        """The request of the next edit: with the first picture, the sampler of the chain and the edits so far.

        Raises:
            UserError: there is no run to go on from, or the settings ask for no edit.
        """
        if self._run is None or self._request is None or not self.chains:
            raise UserError(GONE)
        if not settings.goal.keeps:
            raise UserError("Only edits go on from a result: choose the goal “Edit”, or press Run.")
        before = self._run.settings
        prompts = [*before.earlier_prompts, *([before.prompt.replace(";", ",")] if self._is_made else [])]
        while len(earlier := "; ".join(dict.fromkeys(prompts))) > MOST_TEXT:
            prompts.pop(0)
        same = {name: getattr(before, name) for name in SAMPLED_WITH}
        return Request(settings.model_copy(update={**same, "earlier": earlier}), self._request.start)

    def at_strength(self, strength: float, stop: CancelToken) -> Iterator[Event]:
        """One Outcome: the result at a strength, 1 for the result itself; a chain goes on from there.

        Raises:
            UserError: there is no run, or its model has no path of codes.
        """
        run, request = self._run, self._request
        if run is None or request is None:
            raise UserError(GONE)
        run.go_on(stop)
        if (found := run.at_strength(strength)) is None:
            raise UserError("The strength can be set only for models with one code z.")
        self._strength = strength
        if outcome := run.outcome_with_verdict(False, request, to_image(found[1])):
            yield replace(outcome, strength=strength)
