"""Shared GPU hosts (ZeroGPU): each task runs in a process of its own, which has a GPU for the seconds that it requests.

Such a host needs, and `hosted` gives it:

    generator functions    a function that returns a generator would have to send the generator itself
    plain messages         arguments and events are pickled between the processes; an error crosses as its message
    a duration             the forecast of the task: a longer request waits longer in the host's queue
    an end in time         the run is stopped before its seconds end, and keeps what it has
    an event every 1/4 s   the host notices a closed tab at the next event only, and a None is an event
    limits for clients     the device queue of the other process is a copy, so the jobs of a client are counted here
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain
from studio.queue.app_state import Stream, Studio, Task
from studio.queue.device import DeviceQueue
from studio.queue.latest import time_limit
from studio.runs.events import Outcome

LEAST, MOST = 15.0, 110.0
"""Seconds of one request. A visitor without an account has two minutes a day."""
SLACK = 4.0
"""Seconds for the start of the process before the run, and for its result after it."""
_PROCESS_FAILED = "ZeroGPU worker error"
"""Title of the host's error if its process fails outside the task."""


@dataclass(frozen=True)
class Failed:
    """An error as a message between the processes; the host would send only the name of its class."""

    message: str


def is_zero() -> bool:
    """Whether this is such a host."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def seconds(forecast: float | None) -> float:
    """The seconds to request: 1.5 times the forecast, within bounds; 60 before the first measurement."""
    expected = 60.0 if forecast is None else 1.5 * forecast + SLACK
    return min(max(expected, LEAST), MOST)


def hosted(gpu: Callable[..., Any], studio: Studio) -> Callable[[Stream], Stream]:
    """A wrapper that makes a stream of the studio run on such a host.

    Args:
        gpu: the host's decorator, `spaces.GPU`.
        studio: its cost model forecasts each task and is updated here; the other process updates a copy.
    """
    queue = DeviceQueue(studio.device.limits)

    def wrap(stream: Stream) -> Stream:
        def work(granted: float, task: Task, stop: CancelToken) -> Iterator[Any]:
            """In the other process."""
            try:
                with time_limit(granted - SLACK, stop):
                    yield from stream(task, stop)
            except Exception as error:
                yield Failed(explain(error))

        on_gpu = gpu(duration=_granted)(work)

        def there(task: Task, stop: CancelToken) -> Iterator[Any]:
            """In this process."""
            try:
                with queue.counted(stop.who):
                    for event in on_gpu(seconds(studio.forecast(task)), task, stop):
                        if isinstance(event, Failed):
                            raise UserError(event.message)
                        learn(studio, getattr(event, "outcome", event))
                        yield event
            except Exception as error:
                raise _for_user(error) from error
            finally:
                stop.set()

        return there

    return wrap


def learn(studio: Studio, event: object) -> None:
    """Update the pace from the outcome of a run in the other process.

    All its network calls count as equally long, and a sampling step of an update as two of them.
    """
    if isinstance(event, Outcome) and event.calls:
        call = event.seconds / event.calls
        studio.cost_model.call, studio.cost_model.updates[event.settings.gradient] = call, 2 * call


def _granted(granted: float, *rest: Any) -> int:
    return round(granted)


def _for_user(error: Exception) -> Exception:
    """The host's own messages (quota used up, log in) are for the visitor, without their markup. If its process failed,
    its message is only the class of the error, and the error is returned as it is.
    """
    message = getattr(error, "message", None)
    if isinstance(error, UserError) or not isinstance(message, str) or getattr(error, "title", "") == _PROCESS_FAILED:
        return error
    return UserError(re.sub(r"<[^>]*>", "", message))
