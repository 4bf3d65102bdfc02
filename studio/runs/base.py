"""`Run`: what steering, morphing and comparing share.

    encode     picture -> z, x_T and (SDE) the noises, from which sampling returns the picture
    optimise   sample, evaluate the loss, move x_T or the noises and z down its gradient; repeat
    outcome    the update with the lowest loss; of a goal with a satisfied point, of those at which it is met

The same request gives the same picture, bit for bit, on one device.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor

from adjointdeis import Frames, GradientMethod, encode, encode_steps, guide, prepared, sample
from adjointdeis.guide.step_options import Projection
from studio.core.cancellation import CancelToken
from studio.core.gradients import CALLS_TO_ENCODE, gradient_method
from studio.core.settings import Settings
from studio.images.load import to_image, to_tensor
from studio.models.interface import Model
from studio.runs.area.area import Area, area_for
from studio.runs.capabilities import check_capabilities
from studio.runs.code_path import CodePath
from studio.runs.code_projection import in_turn
from studio.runs.events import Early, Outcome, Phase, Progress
from studio.runs.goals.measured_loss import MeasuredLoss
from studio.runs.goals.objective import Objective, objective
from studio.runs.interpolation import Code
from studio.runs.measures.cost import CostModel
from studio.runs.measures.history import RunHistory
from studio.runs.measures.monitored import Cancelled, MonitoredNetwork
from studio.runs.measures.round_trip import RoundTrip
from studio.runs.measures.trajectory import trajectory
from studio.runs.measures.verdict import verdict
from studio.runs.redraw import redraw_for
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
        early: also gets the picture of every update, which is there long before the event of `optimise`.

    Raises:
        UserError: the model lacks a network that the settings need.
    """

    def __init__(
        self,
        model: Model,
        settings: Settings,
        stop: CancelToken,
        cost_model: CostModel | None = None,
        early: Early | None = None,
    ) -> None:
        check_capabilities(model, settings)
        self.began = perf_counter()
        self.model, self.settings, self._early = model, settings, early
        self.cost_model = CostModel(confines=bool(model.parts_of_attributes)) if cost_model is None else cost_model
        self.network = MonitoredNetwork(model.network, stop, model.device)
        self.sampler = sampler_for(model, settings)
        self.history = RunHistory(settings.goal.reached, settings.goal.enough)
        self.round_trip: RoundTrip | None = None
        self._loss: MeasuredLoss | None = None
        self._frames: Frames | None = None
        self._path: CodePath | None = None
        self._seconds = 0.0

    def goal(self, start: Tensor, second: Tensor | None, now: Tensor | None = None) -> MeasuredLoss:
        """The loss of the run's settings.

        Args:
            start: the picture to change, (1, 3, size, size) in [-1, 1].
            second: the reference, or None.
            now: the picture from which a chain goes on; outside of an area it stays. None for the start.

        Raises:
            UserError: the settings do not suit the pictures or the model.
        """
        redraw = redraw_for(self.model, self.settings)
        found = objective(self.settings, self.model, start, second, redraw)
        area = area_for(self.model, self.settings, start if now is None else now, found)
        if area is not None and redraw is not None:
            redraw.within = area.mask
        return MeasuredLoss(replace(found, area=area), self._sampled)

    def tensor(self, picture: Image.Image) -> Tensor:
        """(1, 3, size, size) in [-1, 1] on the model's device."""
        return to_tensor(picture).to(self.model.device)

    def encode(self, picture: Tensor, z: Tensor | None) -> Generator[Tensor, None, Code]:
        """The states from a picture (1, 3, size, size) to its noise, then the code."""
        encoding = yield from encode_steps(
            self.network,
            self.sampler,
            self.model.encode_latents(picture),
            prepared(self.model.prepare, z),
            self._generator(),
            iterations=CALLS_TO_ENCODE[self.settings.mode],
        )
        return Code(z, *encoding)

    @torch.no_grad()
    def samples(self, start: Code) -> Iterator[Tensor]:
        """The states from the noise to the image, without a gradient."""
        yield from sample(self.network, self.sampler, start.x_T, prepared(self.model.prepare, start.z), start.noises)

    def frames(
        self, start: Code, loss: MeasuredLoss, gradient: GradientMethod, noise: Projection | None = None
    ) -> Frames:
        """The samples after 0, 1, ... updates. After each, `loss.image` is the frame's image, decoded.

        `noise` is the projection of the noises, where it is not that of `start`.
        """
        options = step_options(self.settings, start._asdict(), self.model.code_root)
        objective = loss.objective
        rules = replace(
            options.rules,
            masks=self._masks(objective.area, options.wrt),
            project=in_turn([objective.of_code(self.model, options.wrt), noise or self._of_noise(objective, start)]),
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

    def _masks(self, area: Area | None, wrt: Sequence[str]) -> dict[str, Tensor]:
        """Of the noise, where only a part of the picture may change."""
        mask = None if area is None else area.of_state(self.model.state_shape)
        return {} if mask is None else {name: mask for name in ("x_T", "noises") if name in wrt}

    def _of_noise(self, objective: Objective, start: Code, reached: Code | None = None) -> Projection | None:
        """What changes the noises after a step: noise that is drawn again, and that outside of the area."""
        if self.settings.mode == "ode" or self.settings.variables != "both" or start.z is None:
            return None
        steps = [] if objective.redraw is None else [objective.redraw.projection(start, reached)]
        area, noises = objective.area, start.noises
        mask = None if area is None else area.of_state(self.model.state_shape)
        if area is not None and mask is not None and noises is not None:
            steps.append(self._held(area.start, mask))
        return in_turn(steps)

    def _held(self, start: Tensor, mask: Tensor) -> Projection:
        """Outside of the mask the noises are those of the start at the new z, so that its pixels return."""
        latents = self.model.encode_latents(start)

        def project(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> dict[str, Tensor]:
            z = prepared(self.model.prepare, after["z"])
            found = encode(self.network.unrecorded, self.sampler, latents, z, self._generator())
            assert found.noises is not None, "the sampler has noise"
            return {"noises": torch.lerp(found.noises.to(after["noises"]), after["noises"], mask.to(after["noises"]))}

        return project

    def _generator(self) -> torch.Generator:
        """Of the path to the noise."""
        return torch.Generator().manual_seed(self.settings.seed)

    def optimise(self, start: Code, loss: MeasuredLoss, first: Code | None = None) -> Iterator[Progress]:
        """The progress after every update; the history has its point and image by then.

        Args:
            start: where the updates begin.
            loss: from `goal`.
            first: code of the first picture of a chain, if `start` is not that.
        """
        gradient = gradient_method(self.settings, self.model.graphs, self.model.prepare)
        noise = self._of_noise(loss.objective, first or start, None if first is None else start)
        self._path = CodePath(first or start, start, noise)
        self._loss, self._frames = loss, self.frames(start, loss, gradient, noise)
        yield from self._advance(self._frames, loss)

    def go_on(self, stop: CancelToken, early: Early | None = None) -> None:
        """Be stopped by another token from now on; the time since the end of the run does not count."""
        self._early = early
        self.began = perf_counter() - self._seconds
        self.network.restart(stop)

    def resume(self, stop: CancelToken, steps: int, early: Early | None = None) -> Iterator[Progress]:
        """Go on after `optimise`, with the same state of the optimiser, until `steps` updates were made in all.

        Raises:
            ValueError: `optimise` has not begun.
        """
        if self._loss is None or self._frames is None:
            raise ValueError("A run that has not begun to optimise cannot go on.")
        self.go_on(stop, early)
        self._frames.extend(steps - self.settings.optimisation_steps)
        self.settings = self.settings.model_copy(update={"optimisation_steps": steps})
        yield from self._advance(self._frames, self._loss)

    @property
    def _area(self) -> Area | None:
        return None if self._loss is None else self._loss.objective.area

    def _advance(self, frames: Frames, loss: MeasuredLoss) -> Iterator[Progress]:
        n, began, met_before = self.sampler.steps, perf_counter(), self.history.finished
        self.network.record(n)
        for frame in frames:
            image = to_image(loss.image)
            self.history.add(loss.point(frame), image, self.network.recorded, frame.variables)
            self.network.record(n)
            if frame.grad_norm:
                self.cost_model.record_update(perf_counter() - began, self.settings, n)
            began = perf_counter()
            yield self._progress("optimise", frame.step, self.settings.optimisation_steps, image)
            if self.history.finished and not met_before:
                return

    def _sampled(self, image: Tensor) -> None:
        step = len(self.history.points)
        if self._early is not None and step > 0 and image.isfinite().all():
            self._early(self._progress("optimise", step, self.settings.optimisation_steps, to_image(image)))

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
        before = history.frames[0] if before is None else before
        return Outcome(
            settings=self.settings,
            before=before,
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
            area=None if self._area is None else self._area.report(before, image),
        )

    @property
    def first_code(self) -> Code | None:
        """Of the first picture of a chain, or of the run; None before the optimisation."""
        return None if self._path is None else self._path.first

    @torch.no_grad()
    def at_strength(self, strength: float) -> tuple[Code, Tensor] | None:
        """The code at a strength (`CodePath`) and its picture, (1, 3, size, size); None where there is no path."""
        if self._path is None or self.history.best is None:
            return None
        codes = self.history.codes[: self.history.points.index(self.history.best) + 1]
        code = self._path.at(strength, codes, self.history.best_state)
        if code is None:
            return None
        *_, state = self.samples(code)
        image, area = self.model.decode_latents(state), self._area
        return code, image if area is None else area.shown(image)

    def outcome_with_verdict(self, stopped: bool, request: Request, after: Image.Image | None = None) -> Outcome | None:
        """The outcome with the verdict of networks that no loss uses; None before the first image.

        `after` replaces the best image.
        """
        if (outcome := self.outcome(stopped, request.start)) is None:
            return None
        outcome = outcome if after is None else replace(outcome, after=after)
        pictures = request.start, outcome.after, request.second
        return replace(outcome, verdict=verdict(self.model, request.settings, *pictures, self.history.improving))

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
