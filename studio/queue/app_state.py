"""`Studio`: what all visitors share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from studio.core.cancellation import CancelToken
from studio.core.settings import Settings
from studio.models.interface import Model
from studio.queue.cancel import CancelTokens
from studio.queue.device import DeviceQueue
from studio.queue.latest import latest_only
from studio.runs.cost import Cost, CostModel
from studio.runs.events import Event, Waiting
from studio.runs.memory import need
from studio.runs.request import Request
from studio.runs.retry import with_second_try
from studio.runs.sampling import sampler_for
from studio.runs.steer import steer


@dataclass(frozen=True)
class Studio:
    """A model, the line in front of its device, its measured pace, and everybody's stop flags.

    `public` is for strangers: pictures to keep bear a visible mark unless one takes it off.
    """

    model: Model
    device: DeviceQueue = field(default_factory=DeviceQueue)
    cost_model: CostModel = field(default_factory=CostModel)
    cancel_tokens: CancelTokens = field(default_factory=CancelTokens)
    public: bool = False

    def __post_init__(self) -> None:
        self.cost_model.graphs = self.model.graphs

    def forecast(self, settings: Settings) -> float | None:
        """Expected seconds of a run with these settings on this device; None before anything was measured."""
        return self.cost(settings).seconds

    def cost(self, settings: Settings) -> Cost:
        """Network calls, seconds and bytes of a run with these settings on this device."""
        return self.cost_model.cost(settings, sampler_for(self.model, settings).steps)

    def stream(self, request: Request, stop: CancelToken) -> Iterator[Event | None]:
        """A run's events at the rate a page can show; None where nothing is new."""
        work = with_second_try(lambda one: steer(self.model, one, stop, self.cost_model), request)
        return latest_only(work, stop, self.device, waiting=Waiting)

    def warm_up(self, picture: Path) -> None:
        """A short run, so that the first visitor finds everything loaded, and pace and memory measured."""
        self.cost_model.need = need(self.model)
        settings = {"prompt": "a face", "optimisation_steps": 2}
        request = Request.checked(settings, picture, None, self.model.size)
        for _ in steer(self.model, request, self.cancel_tokens.new_token(), self.cost_model):
            pass
