"""A run that runs out of memory is tried once more with smaller settings.

    all graphs kept         the same gradient by the discrete adjoint, which keeps one network call instead of all
    more than 2 steps       half as many sampling steps

The outcome holds the settings that were used.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

from studio.core.errors import out_of_memory
from studio.core.gradients import DEFAULT, GRADIENTS
from studio.core.settings import Settings, bounds
from studio.models.memory import release_memory
from studio.runs.request import Request

Item = TypeVar("Item")
log = logging.getLogger("studio")


def smaller(settings: Settings) -> Settings | None:
    """Settings that need less memory; None where there are none."""
    if GRADIENTS[settings.gradient].keeps_graphs == "all":
        return settings.model_copy(update={"gradient": DEFAULT.name})
    fewest = int(bounds("sampling_steps")[0])
    if settings.sampling_steps > fewest:
        return settings.model_copy(update={"sampling_steps": max(settings.sampling_steps // 2, fewest)})
    return None


def with_second_try(run: Callable[[Request], Iterator[Item]], request: Request) -> Iterator[Item]:
    """The run's items; if it runs out of memory, its memory is released and a smaller run follows.

    Raises:
        Exception: any other error of the run, or running out of memory again.
    """
    try:
        yield from run(request)
        return
    except Exception as error:
        settings = smaller(request.settings) if out_of_memory(error) else None
        if settings is None:
            raise
        log.warning("Out of memory, tried again with %s: %s", changes(request.settings, settings), error)
    # after the except clause, because the exception refers to the run's tensors
    release_memory()
    yield from run(dataclasses.replace(request, settings=settings))


def changes(asked: Settings, used: Settings) -> str:
    """The difference, as text."""
    if asked.gradient != used.gradient:
        return f"the gradient method “{used.gradient}”"
    return f"{used.sampling_steps} sampling steps instead of {asked.sampling_steps}"


def retry_message(asked: Settings, used: Settings) -> str:
    """The message for the user after a second try; empty if the first one succeeded."""
    return "" if asked == used else f"Memory did not suffice, so this run was made with {changes(asked, used)}."
