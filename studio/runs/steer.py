"""`steer`: one run, from a checked request to a finished picture, as a generator of events.

    encode     image -> z, x_T and (SDE) the noises, from which sampling returns the image
    optimise   sample, take the loss, move x_T or the noises and z down its gradient; repeat

Plain Python: it knows no page and no thread. The same request gives the same picture, bit for bit, on one device.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from time import perf_counter

import torch
from PIL import Image
from torch import Tensor

from adjointdeis import Encoding, Frame, encode_steps, guide, prepared
from studio.core.cancellation import CancelToken
from studio.core.gradients import CALLS_TO_ENCODE, gradient_method
from studio.images.load import to_image, to_tensor
from studio.models.interface import Model
from studio.runs.capabilities import check_capabilities
from studio.runs.cost import CostModel
from studio.runs.events import CurvePoint, Event, Outcome, Progress
from studio.runs.history import RunHistory
from studio.runs.monitored import Cancelled, MonitoredNetwork
from studio.runs.objective import Objective, objective
from studio.runs.request import Request
from studio.runs.round_trip import RoundTrip, measure
from studio.runs.sampling import sampler_for
from studio.runs.step_options import stepping
from studio.runs.trajectory import trajectory


def steer(model: Model, request: Request, stop: CancelToken, cost_model: CostModel | None = None) -> Iterator[Event]:
    """Progress events, then one Outcome.

    Args:
        model: denoiser, encoder and judges.
        request: what to do.
        stop: checked at every network call. After it is set the best picture so far is the outcome; before the
            first sample there is none, and the events simply end.
        cost_model: how fast this device was so far; brought up to date here.
    """
    run = _Run(model, request, stop, CostModel() if cost_model is None else cost_model)
    stopped = False
    try:
        encoding = yield from run.encode()
        yield from run.optimise(encoding)
    except Cancelled:
        stopped = True
    yield from run.outcome(stopped)


class _Run:
    """What the phases of one run share."""

    def __init__(self, model: Model, request: Request, stop: CancelToken, cost_model: CostModel) -> None:
        self._began = perf_counter()
        self._model, self._request, self._settings, self._cost_model = model, request, request.settings, cost_model
        self._network = MonitoredNetwork(model.network, stop, model.device)
        self._sampler = sampler_for(model, self._settings)
        self._start = to_tensor(request.start).to(model.device)
        self._track = RunHistory()
        self._round_trip: RoundTrip | None = None
        check_capabilities(model, self._settings)
        self._goal = objective(self._settings, model, self._start, self._second())  # may refuse; costs next to nothing
        self._state = model.encode_latents(self._start)
        with torch.no_grad():
            self._z = model.encode(self._start)

    def encode(self) -> Generator[Event, None, Encoding]:
        """The states from the image to the noise."""
        n, began = self._sampler.steps, perf_counter()
        generator = torch.Generator().manual_seed(self._settings.seed)
        z = prepared(self._model.prepare, self._z)
        states = encode_steps(
            self._network, self._sampler, self._state, z, generator, iterations=CALLS_TO_ENCODE["ode"]
        )
        step = 0
        while True:
            try:
                state = next(states)
            except StopIteration as end:
                encoding: Encoding = end.value
                break
            step += 1
            left = self._cost_model.remaining(self._settings, n, encoded=step)
            seen = to_image(self._model.preview_latents(state))
            yield Progress("encode", step, n, left, seen, (), self._network.calls, self._network.memory)
        self._cost_model.saw_encoding(perf_counter() - began, self._network.calls, self._settings, n)
        return encoding

    def optimise(self, encoding: Encoding) -> Iterator[Event]:
        """The sample after every update."""
        settings, n = self._settings, self._sampler.steps
        goal = self._goal
        step = stepping(settings, {**encoding._asdict(), "z": self._z})
        before = perf_counter()
        self._network.follow(n)
        for frame in guide(
            self._network,
            self._sampler,
            encoding.x_T,
            self._z,
            self._model.on_latents(goal.loss),
            noises=encoding.noises,
            gradient=gradient_method(settings, self._model.graphs, self._model.prepare),
            steps=settings.optimisation_steps,
            **step._asdict(),
        ):
            picture = self._see(frame, goal)
            self._network.follow(n)
            if frame.grad_norm:
                self._cost_model.saw_update(perf_counter() - before, settings, n)
            before = perf_counter()
            yield Progress(
                "optimise",
                frame.step,
                settings.optimisation_steps,
                self._cost_model.remaining(settings, n, encoded=n, updated=frame.step + 1),
                picture,
                self._track.curve,
                self._network.calls,
                self._network.memory,
            )
        self._cost_model.saw_memory(self._network.most_memory, settings, n)

    def outcome(self, stopped: bool) -> Iterator[Event]:
        """The best picture so far, if there is one."""
        best, image = self._track.best, self._track.image
        if best is None or image is None or self._round_trip is None:
            return
        yield Outcome(
            settings=self._settings,
            before=self._request.start,
            after=image,
            best=best,
            curve=self._track.curve,
            stopped=stopped,
            round_trip=self._round_trip,
            calls=self._network.calls,
            seconds=perf_counter() - self._began,
            frames=tuple(self._track.frames),
            path=trajectory(self._sampler, self._track.passed, self._model.preview_latents),
            memory=self._network.most_memory,
        )

    def _second(self) -> Tensor | None:
        picture = self._request.second
        return None if picture is None else to_tensor(picture).to(self._model.device)

    def _see(self, frame: Frame, goal: Objective) -> Image.Image:
        image = self._model.decode_latents(frame.image)
        if self._round_trip is None:  # frame 0 is the plain sample: the encoding's own round trip
            self._round_trip = measure(self._start, image)
        picture = to_image(image)
        point = CurvePoint(frame.step, float(frame.loss[0]), goal.terms(image), goal.similarity(image))
        self._track.add(point, picture, self._network.passed)
        return picture
