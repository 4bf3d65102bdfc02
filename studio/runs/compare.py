"""`compare`: one picture, one loss, one budget, several gradient methods, as a generator of events.

    encode     the picture, once for all methods
    audit      each method's first gradient against the exact one, and the memory that it takes
    optimise   one update by each method in turn, so that all have made equally many at any time

Every event is the whole state so far. A method that fails keeps its last picture, and its column holds the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median
from time import perf_counter
from typing import Literal

import torch
from PIL import Image

from adjointdeis import Audit, Frame, UnsuitedSampler, audit
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain
from studio.core.gradients import GRADIENTS, gradient_method
from studio.core.settings import GradientName, Settings
from studio.images.load import to_image
from studio.models.interface import Model
from studio.models.memory import release_memory
from studio.runs.base import Run, until_cancelled, with_events
from studio.runs.events import CurvePoint
from studio.runs.goals.measured_loss import MeasuredLoss
from studio.runs.interpolation import Code
from studio.runs.measures.meter import Metered
from studio.runs.measures.monitored import Cancelled
from studio.runs.request import Request
from studio.runs.step_options import step_options

Stage = Literal["encode", "audit", "optimise", "done", "stopped"]


@dataclass(frozen=True)
class Column:
    """One method so far.

    Args:
        method: its name.
        image: after the latest update; None before the first sample.
        curve: every sample so far.
        found: its first gradient against the exact one.
        memory: peak bytes of tensors that its first gradient allocated.
        seconds: median of its gradients, the first left out.
        calls: network calls made.
        trouble: the error message, if it failed.
    """

    method: GradientName
    image: Image.Image | None = None
    curve: tuple[CurvePoint, ...] = ()
    found: Audit | None = None
    memory: int | None = None
    seconds: float | None = None
    calls: int = 0
    trouble: str = ""


@dataclass(frozen=True)
class Comparison:
    """All methods so far: `step` of `steps` of the stage are done; `left` is the expected rest in seconds."""

    settings: Settings
    start: Image.Image
    columns: tuple[Column, ...]
    stage: Stage
    step: int
    steps: int
    left: float | None
    seconds: float


def chosen_methods(given: object) -> list[GradientName]:
    """The methods to compare.

    Raises:
        UserError: none, one twice, or something else.
    """
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) and one in GRADIENTS for one in given):
        raise UserError(f"The gradient methods are {', '.join(GRADIENTS)}: choose among these.")
    if not given or len(set(given)) < len(given):
        raise UserError("Choose at least one gradient method, each only once.")
    return list(given)


def compare(model: Model, request: Request, methods: Sequence[GradientName], stop: CancelToken) -> Iterator[Comparison]:
    """Events, of which the last has the stage "done" or "stopped".

    Args:
        model: denoiser, encoder and the networks of the losses.
        request: pictures and settings, whose own gradient method is ignored.
        methods: at least one, each once.
        stop: checked at every network call.

    Raises:
        UserError: no method, one twice, or a goal that the model cannot follow.
    """
    comparing = _Comparing(model, request, chosen_methods(methods), stop)
    stopped = yield from until_cancelled(comparing.events())
    yield comparing.comparison("stopped" if stopped else "done", 1, 1)


@dataclass
class MethodState:
    """One method at work: its measured gradients, its column so far, its own loss and loop."""

    metered: Metered
    column: Column
    loss: MeasuredLoss
    frames: Iterator[Frame] = field(default_factory=lambda: iter(()))


class _Comparing:
    """One comparison at work."""

    def __init__(self, model: Model, request: Request, methods: Sequence[GradientName], stop: CancelToken) -> None:
        self._run, self._request = Run(model, request.settings, stop), request
        self._start = self._run.tensor(request.start)
        self._second = None if request.second is None else self._run.tensor(request.second)
        self._methods = [self._method(name) for name in methods]

    def comparison(self, stage: Stage, step: int, steps: int, left: float | None = None) -> Comparison:
        """Everything so far."""
        columns = tuple(method.column for method in self._methods)
        seconds = perf_counter() - self._run.began
        return Comparison(self._run.settings, self._request.start, columns, stage, step, steps, left, seconds)

    def events(self) -> Iterator[Comparison]:
        """All stages."""
        run = self._run
        yield self.comparison("encode", 0, 1)
        with torch.no_grad():
            z = run.model.encode(self._start)
        start = yield from with_events(run.encode(self._start, z), lambda *_: self.comparison("encode", 0, 1))
        for k, method in enumerate(self._methods):
            _attempt(method, partial(self._audit, method, start))
            yield self.comparison("audit", k + 1, len(self._methods))
        for method in self._methods:
            method.frames = run.frames(start, method.loss, method.metered)
        steps, began = run.settings.optimisation_steps, perf_counter()
        for step in range(steps + 1):
            for method in self._methods:
                if not method.column.trouble:
                    _attempt(method, partial(self._advance, method))
                spent = perf_counter() - began
                yield self.comparison("optimise", step, steps, spent / step * (steps - step) if step else None)

    def _method(self, name: GradientName) -> MethodState:
        gradient = gradient_method(self._run.settings.model_copy(update={"gradient": name}))
        return MethodState(
            Metered(gradient, self._run.model.device), Column(name), self._run.goal(self._start, self._second)
        )

    def _audit(self, method: MethodState, start: Code) -> None:
        run = self._run
        loss = run.model.on_latents(method.loss)
        wrt = step_options(run.settings, start._asdict()).wrt
        gradient = method.metered.method
        found = audit(gradient, run.network, run.sampler, start.x_T, start.z, loss, start.noises, wrt)
        method.column = replace(method.column, found=found)

    def _advance(self, method: MethodState) -> None:
        frame = next(method.frames)
        metered, column = method.metered, method.column
        method.column = replace(
            column,
            image=to_image(method.loss.image),
            curve=(*column.curve, method.loss.point(frame)),
            memory=metered.memory,
            seconds=median(metered.seconds) if metered.seconds else None,
            calls=frame.nfe,
        )


def _attempt(method: MethodState, work: Callable[[], None]) -> None:
    """Do one piece of work; an error ends this method only. `UnsuitedSampler` is a result, shown as it is."""
    try:
        work()
    except Cancelled:
        raise
    except Exception as error:
        sentence = str(error) if isinstance(error, UnsuitedSampler) else explain(error)
        method.column = replace(method.column, trouble=sentence)
    if method.column.trouble:  # after the except clause, because the exception refers to the tensors of the method
        method.frames = iter(())
        release_memory()
