"""`compare`: one picture, one loss, one budget, several gradient methods side by side, as a generator of events.

    encode     the picture, once for all
    audit      every method's first gradient against the exact one, and the memory it took
    optimise   one update by every method in turn, so that all have come equally far at any moment

Every event is the whole state so far. A method that cannot go on keeps its last picture and says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from time import perf_counter
from typing import Literal

import torch
from PIL import Image

from adjointdeis import Audit, Encoding, Frame, UnsuitedSampler, audit, encode, guide
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain
from studio.core.gradients import CALLS_TO_ENCODE, GRADIENTS, gradient_method
from studio.core.settings import GradientName, Settings
from studio.images.load import to_image, to_tensor
from studio.models.interface import Model
from studio.models.memory import give_back
from studio.runs.capabilities import check_capabilities
from studio.runs.events import CurvePoint
from studio.runs.meter import Metered
from studio.runs.monitored import Cancelled, MonitoredNetwork
from studio.runs.objective import Objective, objective
from studio.runs.request import Request
from studio.runs.sampling import sampler_for
from studio.runs.step_options import Stepping, stepping

Stage = Literal["encode", "audit", "optimise", "done", "stopped"]


@dataclass(frozen=True)
class Column:
    """One method so far.

    Args:
        method: which.
        image: after the latest update; None before the first sample.
        curve: every sample so far.
        found: its first gradient against the exact one.
        memory: most bytes of tensors that its first gradient held above what was there.
        seconds: median of a gradient, but for the first.
        calls: network calls made.
        trouble: a sentence, where it could not go on.
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
        model: denoiser, encoder and what losses look through.
        request: what to do; its own gradient method plays no part.
        methods: at least one, each once.
        stop: checked at every network call.

    Raises:
        UserError: no method, or one twice.
    """
    run = _Run(model, request, chosen_methods(methods), stop)
    try:
        yield run.state("encode", 0, 1)
        encoding = run.encode()
        yield from run.audit(encoding)
        yield from run.optimise(encoding)
        yield run.state("done", 1, 1)
    except Cancelled:
        yield run.state("stopped", 1, 1)


@dataclass
class _Lane:
    """One method at work: what it took so far, and where its loop stands."""

    metered: Metered
    column: Column
    frames: Iterator[Frame] = field(default_factory=lambda: iter(()))


class _Run:
    """What the stages of one comparison share."""

    def __init__(self, model: Model, request: Request, methods: Sequence[GradientName], stop: CancelToken) -> None:
        self._began = perf_counter()
        check_capabilities(model, request.settings)
        self._model, self._request, self._settings = model, request, request.settings
        self._network = MonitoredNetwork(model.network, stop, model.device)
        self._sampler = sampler_for(model, self._settings)
        self._start = to_tensor(request.start).to(model.device)
        second = None if request.second is None else to_tensor(request.second).to(model.device)
        self._goal: Objective = objective(self._settings, model, self._start, second)
        with torch.no_grad():
            self._z = model.encode(self._start)
        self._loss = model.on_latents(self._goal.loss)
        self._lanes = [
            _Lane(
                Metered(gradient_method(self._settings.model_copy(update={"gradient": name})), model.device),
                Column(name),
            )
            for name in methods
        ]

    def state(self, stage: Stage, step: int, steps: int, left: float | None = None) -> Comparison:
        """Everything so far."""
        columns = tuple(lane.column for lane in self._lanes)
        seconds = perf_counter() - self._began
        return Comparison(self._settings, self._request.start, columns, stage, step, steps, left, seconds)

    def encode(self) -> Encoding:
        """The start of every method."""
        generator = torch.Generator().manual_seed(self._settings.seed)
        calls = CALLS_TO_ENCODE[self._settings.mode]
        start = self._model.encode_latents(self._start)
        return encode(self._network, self._sampler, start, self._z, generator, iterations=calls)

    def _step(self, encoding: Encoding) -> Stepping:
        return stepping(self._settings, {**encoding._asdict(), "z": self._z})

    def audit(self, encoding: Encoding) -> Iterator[Comparison]:
        """Every method's first gradient: how right it is."""
        wrt = self._step(encoding).wrt
        for k, lane in enumerate(self._lanes):
            try:
                found = audit(
                    lane.metered.method,
                    self._network,
                    self._sampler,
                    encoding.x_T,
                    self._z,
                    self._loss,
                    encoding.noises,
                    wrt,
                )
                lane.column = replace(lane.column, found=found)
            except Cancelled:
                raise
            except Exception as error:
                self._fail(lane, error)
            self._tidy(lane)
            yield self.state("audit", k + 1, len(self._lanes))

    def optimise(self, encoding: Encoding) -> Iterator[Comparison]:
        """One update by each in turn."""
        steps, began = self._settings.optimisation_steps, perf_counter()
        for lane in self._lanes:
            lane.frames = self._loop(lane, encoding)
        for step in range(steps + 1):
            for lane in self._lanes:
                if not lane.column.trouble:
                    self._advance(lane)
                spent = perf_counter() - began
                left = spent / step * (steps - step) if step else None
                yield self.state("optimise", step, steps, left)

    def _loop(self, lane: _Lane, encoding: Encoding) -> Iterator[Frame]:
        return guide(
            self._network,
            self._sampler,
            encoding.x_T,
            self._z,
            self._loss,
            noises=encoding.noises,
            gradient=lane.metered,
            steps=self._settings.optimisation_steps,
            **self._step(encoding)._asdict(),
        )

    def _advance(self, lane: _Lane) -> None:
        try:
            frame = next(lane.frames)
        except Cancelled:
            raise
        except Exception as error:
            self._fail(lane, error)
        else:
            self._show(lane, frame)
        self._tidy(lane)

    def _show(self, lane: _Lane, frame: Frame) -> None:
        image = self._model.decode_latents(frame.image)
        point = CurvePoint(frame.step, float(frame.loss[0]), self._goal.terms(image), self._goal.similarity(image))
        lane.column = replace(
            lane.column,
            image=to_image(image),
            curve=(*lane.column.curve, point),
            memory=lane.metered.memory,
            seconds=median(lane.metered.seconds) if lane.metered.seconds else None,
            calls=frame.nfe,
        )

    def _fail(self, lane: _Lane, error: Exception) -> None:
        """A method may refuse this sampler; that is a result, and its sentence is the library's own. Whatever else
        happens to one of them, the others go on.
        """
        sentence = str(error) if isinstance(error, UnsuitedSampler) else explain(error)
        lane.column = replace(lane.column, trouble=sentence)

    def _tidy(self, lane: _Lane) -> None:
        """What a method held that ended early is for the others."""
        if lane.column.trouble:
            lane.frames = iter(())
            give_back()
