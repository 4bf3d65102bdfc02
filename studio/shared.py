"""`Studio`: what all visitors share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from studio.events import Event
from studio.methods import sampler_for
from studio.model import Model
from studio.pace import Pace
from studio.request import Request
from studio.run import steer
from studio.settings import Settings
from studio.stops import Flag, Stops
from studio.stream import newest


@dataclass(frozen=True)
class Studio:
    """A model, the one lock around its device, its measured pace, and everybody's stop flags."""

    model: Model
    device: Lock = field(default_factory=Lock)
    pace: Pace = field(default_factory=Pace)
    stops: Stops = field(default_factory=Stops)

    def forecast(self, settings: Settings) -> float | None:
        """Expected seconds of a run with these settings on this device; None before anything was measured."""
        return self.pace.remaining(settings, sampler_for(self.model, settings).steps)

    def stream(self, request: Request, stop: Flag) -> Iterator[Event | None]:
        """A run's events at the rate a page can show; None where nothing is new."""
        return newest(steer(self.model, request, stop, self.pace), stop, self.device)

    def warm_up(self, picture: Path) -> None:
        """A short run, so that the first visitor finds everything loaded and the pace measured."""
        settings = {"prompt": "a face", "optimisation_steps": 2}
        request = Request.checked(settings, picture, None, self.model.size)
        for _ in steer(self.model, request, self.stops.flag(), self.pace):
            pass
