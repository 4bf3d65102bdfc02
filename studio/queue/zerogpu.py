"""Shared GPU hosts (ZeroGPU): a run goes to a process of its own, which has a GPU for the seconds that it asked for.

What such a host needs, and this wrapper gives it:

    generator functions    a function that returns a generator would be asked to send the generator itself
    plain messages         arguments and events cross between processes; so does a failure, as its sentence
    a duration             from the forecast of the run: who asks for a minute that they do not need waits longer
    an end in time         the run is asked to stop a little earlier, and keeps what it has
    silence below 1/4 s    a job that was left is only noticed at its next event; heartbeats are events
    shares                 the line in that process is a copy, so how many jobs one person has is counted here
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain
from studio.queue.app_state import Studio
from studio.queue.device import DeviceQueue
from studio.queue.latest import at_most
from studio.runs.events import Outcome
from studio.runs.request import Request

Stream = Callable[..., Iterator[Any]]

LEAST, MOST = 15.0, 110.0
"""Seconds. An anonymous visitor has two minutes a day."""
SLACK = 4.0
"""Seconds for the process to start before the run, and to hand its result over after it."""
_DIED = "ZeroGPU worker error"
"""Title of the host's error where its process failed outside the job."""


@dataclass(frozen=True)
class Failed:
    """How a failure crosses: the host would only tell its class."""

    sentence: str


def is_zero() -> bool:
    """Whether this is such a host."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def seconds(forecast: float | None) -> float:
    """What to ask for: half as much again as expected, within bounds; a minute while nothing was measured."""
    expected = 60.0 if forecast is None else 1.5 * forecast + SLACK
    return min(max(expected, LEAST), MOST)


def hosted(gpu: Callable[..., Any], studio: Studio) -> Callable[[Stream], Stream]:
    """What makes any stream of the studio one that runs on such a host.

    Args:
        gpu: the host's decorator, `spaces.GPU`.
        studio: whose pace forecasts a run, and learns from every one; what is measured in the other process is lost.
    """
    line = DeviceQueue(studio.device.limits)

    def wrap(stream: Stream) -> Stream:
        def work(granted: float, request: Request, *rest: Any) -> Iterator[Any]:
            """In the other process. `rest` ends with the stop flag."""
            try:
                with at_most(granted - SLACK, rest[-1]):
                    yield from stream(request, *rest)
            except Exception as error:
                yield Failed(explain(error))

        on_gpu = gpu(duration=_granted)(work)

        def there(request: Request, *rest: Any) -> Iterator[Any]:
            """In this process."""
            stop: CancelToken = rest[-1]
            try:
                with line.counted(stop.who):
                    for event in on_gpu(seconds(forecast(studio, request, *rest)), request, *rest):
                        if isinstance(event, Failed):
                            raise UserError(event.sentence)
                        learn(studio, getattr(event, "outcome", event))
                        yield event
            except Exception as error:
                raise _said(error) from error
            finally:
                stop.set()

        return there

    return wrap


def forecast(studio: Studio, request: Request, *rest: Any) -> float | None:
    """Expected seconds of a job: a morph encodes twice, a comparison does the job once a method and audits each."""
    settings = request.settings
    methods = rest[0] if len(rest) > 1 else [settings.gradient]
    each = [studio.forecast(settings.model_copy(update={"gradient": name})) for name in methods]
    known = [one for one in each if one is not None]
    if len(known) < len(each):
        return None
    more = 1 + 2 / settings.optimisation_steps if len(rest) > 1 else 1.5 if settings.loss == "morph" else 1.0
    return sum(known) * more


def learn(studio: Studio, event: object) -> None:
    """The pace of a run that was made elsewhere, as if all its network calls had taken the same time, and every
    sampling step of an update two of them.
    """
    if isinstance(event, Outcome) and event.calls:
        call = event.seconds / event.calls
        studio.cost_model.call, studio.cost_model.updates[event.settings.gradient] = call, 2 * call


def _granted(granted: float, *rest: Any) -> int:
    return round(granted)


def _said(error: Exception) -> Exception:
    """The host's own sentences (quota used up, log in) are for the visitor, without their markup; but of a process
    that failed it would only tell the class of the error.
    """
    message = getattr(error, "message", None)
    if isinstance(error, UserError) or not isinstance(message, str) or getattr(error, "title", "") == _DIED:
        return error
    return UserError(re.sub(r"<[^>]*>", "", message))
