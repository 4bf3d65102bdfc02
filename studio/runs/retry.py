"""A run for which memory does not suffice is tried once more, smaller.

    all graphs kept         the same gradient by the discrete adjoint, which keeps one network call instead of all
    more than 4 steps       half as many sampling steps

The outcome's settings are those that were used, so its record never says what was not done.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

from studio.core.errors import out_of_memory
from studio.core.gradients import DEFAULT, GRADIENTS
from studio.core.settings import Settings, bounds
from studio.models.memory import give_back
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
    """The run's items; where it ends for want of memory, what it held is freed and a smaller one follows.

    Raises:
        Exception: of the run, if it is another one, or the second of its kind.
    """
    try:
        yield from run(request)
        return
    except Exception as error:
        settings = smaller(request.settings) if out_of_memory(error) else None
        if settings is None:
            raise
        log.warning("Out of memory, tried again with %s: %s", changes(request.settings, settings), error)
    # here and not above: the exception held the run's tensors
    give_back()
    yield from run(dataclasses.replace(request, settings=settings))


def changes(asked: Settings, used: Settings) -> str:
    """What is different, in words."""
    if asked.gradient != used.gradient:
        return f"the gradient method “{used.gradient}”"
    return f"{used.sampling_steps} sampling steps instead of {asked.sampling_steps}"


def said(asked: Settings, used: Settings) -> str:
    """What a person reads of it; empty where the run was what was asked for."""
    return "" if asked == used else f"Memory did not suffice, so this run was made with {changes(asked, used)}."
