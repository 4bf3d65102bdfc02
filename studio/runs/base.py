"""`Run`: what steering, morphing and comparing share.

    encode     picture -> z, x_T and (SDE) the noises, from which sampling returns the picture
    optimise   sample, evaluate the loss, move x_T or the noises and z down its gradient; repeat
    outcome    the update with the lowest loss; of a goal with a satisfied point, of those at which it is met

The same request gives the same picture, bit for bit, on one device.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from time import perf_counter
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor

from adjointdeis import Frames, GradientMethod, encode_steps, guide, prepared, sample
from studio.core.cancellation import CancelToken
from studio.core.gradients import CALLS_TO_ENCODE, gradient_method
from studio.core.settings import Settings
from studio.images.load import to_image, to_tensor
from studio.models.interface import Model
from studio.runs.capabilities import check_capabilities
from studio.runs.events import Outcome, Phase, Progress
from studio.runs.goals.measured_loss import MeasuredLoss
from studio.runs.interpolation import Code
from studio.runs.measures.cost import CostModel
from studio.runs.measures.history import RunHistory
from studio.runs.measures.monitored import Cancelled, MonitoredNetwork
from studio.runs.measures.round_trip import RoundTrip
from studio.runs.measures.trajectory import trajectory
from studio.runs.measures.verdict import verdict
from studio.runs.request import Request
from studio.runs.sampling import sampler_for
from studio.runs.step_options import step_options

Event = TypeVar("Event")
Result = TypeVar("Result")


class Run:
    """The set-up of one run, and its history.

    Args:
        model: denoiser, encoder and the networks of the losses.
        settings: checked.
        stop: checked at every network call.
        cost_model: the measured pace of this device, updated by the run; a new one if None.

    Raises:
        UserError: the model lacks a network that the settings need.
    """

    def __init__(
        self, model: Model, settings: Settings, stop: CancelToken, cost_model: CostModel | None = None
    ) -> None:
        check_capabilities(model, settings)
        self.began = perf_counter()
        self.model, self.settings = model, settings
        self.cost_model = CostModel() if cost_model is None else cost_model
        self.network = MonitoredNetwork(model.network, stop, model.device)
        self.sampler = sampler_for(model, settings)
        self.history = RunHistory(settings.goal.reached)
        self.round_trip: RoundTrip | None = None
        self._loss: MeasuredLoss | None = None
        self._frames: Frames | None = None
        self._seconds = 0.0

    def tensor(self, picture: Image.Image) -> Tensor:
        """(1, 3, size, size) in [-1, 1] on the model's device."""
        return to_tensor(picture).to(self.model.device)

    def encode(self, picture: Tensor, z: Tensor | None) -> Generator[Tensor, None, Code]:
        """The states from a picture (1, 3, size, size) to its noise, then the code."""
        generator = torch.Generator().manual_seed(self.settings.seed)
        encoding = yield from encode_steps(
            self.network,
            self.sampler,
            self.model.encode_latents(picture),
            prepared(self.model.prepare, z),
            generator,
            iterations=CALLS_TO_ENCODE[self.settings.mode],
        )
        return Code(z, *encoding)

    @torch.no_grad()
    def samples(self, start: Code) -> Iterator[Tensor]:
        """The states from the noise to the image, without a gradient."""
        yield from sample(self.network, self.sampler, start.x_T, prepared(self.model.prepare, start.z), start.noises)

    def frames(self, start: Code, loss: MeasuredLoss, gradient: GradientMethod) -> Frames:
        """The samples after 0, 1, ... updates. After each, `loss.image` is the frame's image, decoded."""
        options = step_options(self.settings, start._asdict(), self.model.code_root)
        objective, redraw = loss.objective, loss.objective.redraw
        rules = replace(
            options.rules,
            priors={"z": objective.prior} if objective.on_z and "z" in options.wrt else {},
            project=None if redraw is None else redraw.projection(start.z, start.noises),
        )
        return guide(
            self.network,
            self.sampler,
            start.x_T,
            start.z,
            self.model.on_latents(loss),
            noises=start.noises,
            gradient=gradient,
            steps=self.settings.optimisation_steps,
            **options._replace(rules=rules)._asdict(),
        )

    def optimise(self, start: Code, loss: MeasuredLoss) -> Iterator[Progress]:
        """The progress after every update; the history has its point and image by then."""
        gradient = gradient_method(self.settings, self.model.graphs, self.model.prepare)
        self._loss, self._frames = loss, self.frames(start, loss, gradient)
        yield from self._advance(self._frames, loss)

    def resume(self, stop: CancelToken, steps: int) -> Iterator[Progress]:
        """Go on after `optimise`, with the same state of the optimiser, until `steps` updates were made in all.

        Raises:
            ValueError: `optimise` has not begun.
        """
        if self._loss is None or self._frames is None:
            raise ValueError("A run that has not begun to optimise cannot go on.")
        self.began = perf_counter() - self._seconds
        self.network.restart(stop)
        self._frames.extend(steps - self.settings.optimisation_steps)
        self.settings = self.settings.model_copy(update={"optimisation_steps": steps})
        yield from self._advance(self._frames, self._loss)

    def _advance(self, frames: Frames, loss: MeasuredLoss) -> Iterator[Progress]:
        n, began, met_before = self.sampler.steps, perf_counter(), self.history.finished
        self.network.record(n)
        for frame in frames:
            image = to_image(loss.image)
            self.history.add(loss.point(frame), image, self.network.recorded)
            self.network.record(n)
            if frame.grad_norm:
                self.cost_model.record_update(perf_counter() - began, self.settings, n)
            began = perf_counter()
            yield self._progress("optimise", frame.step, self.settings.optimisation_steps, image)
            if self.history.finished and not met_before:
                return

    def encoding(self, step: int, steps: int, state: Tensor) -> Progress:
        """The progress after `step` of `steps` states."""
        return self._progress("encode", step, steps, to_image(self.model.preview_latents(state)))

    def outcome(self, stopped: bool, before: Image.Image | None = None) -> Outcome | None:
        """The best image so far, None before the first. `before` is the picture to compare it with; the first image if
        None.
        """
        history, image = self.history, self.history.best_image
        if history.best is None or image is None or self.round_trip is None:
            return None
        self._seconds = perf_counter() - self.began
        return Outcome(
            settings=self.settings,
            before=history.frames[0] if before is None else before,
            after=image,
            best=history.best,
            curve=history.curve,
            stopped=stopped,
            round_trip=self.round_trip,
            calls=self.network.calls,
            seconds=self._seconds,
            frames=tuple(history.frames),
            path=trajectory(self.sampler, history.best_calls, self.model.preview_latents),
            memory=self.network.peak_memory,
            model=self.model.described,
        )

    def outcome_with_verdict(self, stopped: bool, request: Request) -> Outcome | None:
        """The outcome with the verdict of networks that no loss uses; None before the first image."""
        if (outcome := self.outcome(stopped, request.start)) is None:
            return None
        improving = outcome.best is outcome.curve[-1]
        pictures = request.start, outcome.after, request.second
        return replace(outcome, verdict=verdict(self.model, request.settings, *pictures, improving))

    def _progress(self, phase: Phase, step: int, steps: int, image: Image.Image) -> Progress:
        n = self.sampler.steps
        encoded, updated = (min(step, n), 0) if phase == "encode" else (n, step + 1)
        left = self.cost_model.remaining(self.settings, n, encoded, updated)
        return Progress(phase, step, steps, left, image, self.history.curve, self.network.calls, self.network.memory)


def with_events(
    states: Generator[Tensor, None, Result], event: Callable[[int, Tensor], Event], done: int = 0
) -> Generator[Event, None, Result]:
    """An event for each state, numbered from `done` + 1, then the generator's own result."""
    while True:
        try:
            state = next(states)
        except StopIteration as end:
            result: Result = end.value
            return result
        done += 1
        yield event(done, state)


def until_cancelled(events: Iterator[Event]) -> Generator[Event, None, bool]:
    """The events, then whether the run was cancelled."""
    try:
        yield from events
    except Cancelled:
        return True
    return False
