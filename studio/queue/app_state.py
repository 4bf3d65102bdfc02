"""`Studio`: what all visitors share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from studio.events import Event, Waiting
from studio.line import Line
from studio.memory import need
from studio.methods import sampler_for
from studio.model import Model
from studio.pace import Cost, Pace
from studio.request import Request
from studio.run import steer
from studio.second_try import with_second_try
from studio.settings import Settings
from studio.stops import Flag, Stops
from studio.stream import newest


@dataclass(frozen=True)
class Studio:
    """A model, the line in front of its device, its measured pace, and everybody's stop flags.

    `public` is for strangers: pictures to keep bear a visible mark unless one takes it off.
    """

    model: Model
    device: Line = field(default_factory=Line)
    pace: Pace = field(default_factory=Pace)
    stops: Stops = field(default_factory=Stops)
    public: bool = False

    def __post_init__(self) -> None:
        self.pace.graphs = self.model.graphs

    def forecast(self, settings: Settings) -> float | None:
        """Expected seconds of a run with these settings on this device; None before anything was measured."""
        return self.cost(settings).seconds

    def cost(self, settings: Settings) -> Cost:
        """Network calls, seconds and bytes of a run with these settings on this device."""
        return self.pace.cost(settings, sampler_for(self.model, settings).steps)

    def stream(self, request: Request, stop: Flag) -> Iterator[Event | None]:
        """A run's events at the rate a page can show; None where nothing is new."""
        work = with_second_try(lambda one: steer(self.model, one, stop, self.pace), request)
        return newest(work, stop, self.device, waiting=Waiting)

    def warm_up(self, picture: Path) -> None:
        """A short run, so that the first visitor finds everything loaded, and pace and memory measured."""
        self.pace.need = need(self.model)
        settings = {"prompt": "a face", "optimisation_steps": 2}
        request = Request.checked(settings, picture, None, self.model.size)
        for _ in steer(self.model, request, self.stops.flag(), self.pace):
            pass
