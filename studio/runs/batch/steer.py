"""`steer_together`: several pictures through the sampler together, each towards its own goal.

    encode     every picture has its own noise, by its own seed; one network call a step for all of them
    optimise   one sampling, one gradient for all; every picture has its own loss, length of its gradient and end
    verdict    of all pictures together

A picture that is finished leaves the batch, and the others go on with smaller calls. The mathematics of a picture does
not depend on the others. Its rounding does: the last digits of a network's output differ with the size of the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from adjointdeis import Frame, Frames, encode_steps, guide, prepared
from adjointdeis.guide.step_options import Projection
from studio.core.cancellation import CancelToken
from studio.core.gradients import CALLS_TO_ENCODE, gradient_method
from studio.core.settings import Settings
from studio.images.load import to_image, to_tensor
from studio.models.interface import Model
from studio.runs.batch.gather import Gather
from studio.runs.batch.image_model import Networks, image_model
from studio.runs.capabilities import check_capabilities
from studio.runs.code_projection import in_turn
from studio.runs.events import CurvePoint, Outcome
from studio.runs.goals.measured_loss import MeasuredLoss
from studio.runs.goals.objective import objective
from studio.runs.interpolation import Code
from studio.runs.measures.history import RunHistory
from studio.runs.measures.monitored import MonitoredNetwork
from studio.runs.measures.round_trip import RoundTrip, measure
from studio.runs.measures.verdict import verdict
from studio.runs.redraw import Redraw, redraw_for
from studio.runs.request import Request
from studio.runs.sampling import sampler_for
from studio.runs.step_options import step_options

SHARED = (
    *("loss", "mode", "order", "sampling_steps", "noise_level", "optimisation_steps"),
    *("variables", "z_rate", "noise_rate", "gradient", "optimiser"),
)
"""The settings that all pictures of a batch have in common. Prompts, seeds, crops, weights and closeness may differ."""


@dataclass
class _Image:
    """One picture of the batch, from its request to its end."""

    number: int
    request: Request
    model: Model
    redraw: Redraw | None
    loss: MeasuredLoss
    start: Tensor
    history: RunHistory = field(default_factory=RunHistory)
    project: Projection | None = None
    round_trip: RoundTrip | None = None
    calls: int = 0


def steer_together(
    model: Model, requests: Sequence[Request], stop: CancelToken, graphs: int | None = None
) -> Iterator[tuple[int, Outcome | Exception]]:
    """The number of each request with its outcome, or with the reason why it has none.

    Args:
        model: as for `studio.runs.steer.steer`.
        requests: at least one, with equal values of the `SHARED` settings.
        stop: checked at every network call.
        graphs: of how many last sampling steps the graph may be kept; that of the model if None.

    Raises:
        ValueError: the settings do not fit together.
        Cancelled: `stop` is set; no request has an outcome then.
        Exception: what the network raises, such as running out of memory.
    """
    shared = {tuple(getattr(request.settings, name) for name in SHARED) for request in requests}
    if len(shared) != 1:
        raise ValueError(f"The pictures of a batch have the same {', '.join(SHARED)}; got {len(shared)} combinations.")
    began = perf_counter()
    with Gather(len(requests)) as gather:
        images: list[_Image] = []
        for number, found in enumerate(_images(model, requests, gather)):
            if isinstance(found, Exception):
                yield number, found
            else:
                images.append(found)
        if not images:
            return
        batch = _Batch(model, images, gather, stop, model.graphs if graphs is None else graphs)
        failed = batch.optimise()
        seconds = perf_counter() - began
        yield from failed.items()
        left = [image for image in images if image.number not in failed]
        outcomes = [_outcome(image, seconds / len(images), batch.network.peak_memory) for image in left]
        verdicts = gather.run([partial(_with_verdict, *pair) for pair in zip(left, outcomes, strict=True)])
        yield from ((image.number, found) for image, found in zip(left, verdicts, strict=True))


def _images(model: Model, requests: Sequence[Request], gather: Gather) -> list[_Image | Exception]:
    networks = Networks(model)

    def image(number: int, request: Request) -> _Image:
        settings, own = request.settings, image_model(networks, gather, number)
        check_capabilities(model, settings)
        start, second = (None if x is None else to_tensor(x).to(model.device) for x in (request.start, request.second))
        assert start is not None
        redraw = redraw_for(own, settings)
        loss = MeasuredLoss(objective(settings, own, start, second, redraw))
        return _Image(
            number, request, own, redraw, loss, start, RunHistory(settings.goal.reached, settings.goal.enough)
        )

    return gather.run([partial(image, *pair) for pair in enumerate(requests)])


class _Batch:
    """The pictures that are still optimised, in the order of the batch's rows."""

    def __init__(self, model: Model, images: list[_Image], gather: Gather, stop: CancelToken, graphs: int) -> None:
        self.model, self.images, self.gather, self.graphs = model, list(images), gather, graphs
        self.settings: Settings = images[0].request.settings
        self.network = MonitoredNetwork(model.network, stop, model.device)
        self.sampler = sampler_for(model, self.settings)

    def optimise(self) -> dict[int, Exception]:
        """Optimise all pictures to their ends; those without a finite start, each with its error."""
        failed: dict[int, Exception] = {}
        try:
            frames = self._frames(self._encode())
            for frame in frames:
                failed |= self._add(frame)
                last = frame.step == self.settings.optimisation_steps
                rows = [row for row in range(len(self.images)) if not last and self._goes_on(row, frame, failed)]
                if len(rows) < len(self.images):
                    self.images = [self.images[row] for row in rows]
                    if not rows:
                        break
                    frames.keep(rows)
        except FloatingPointError as error:  # of all pictures that are left
            failed |= {image.number: error for image in self.images if image.history.best is None}
        return failed

    @torch.no_grad()
    def _encode(self) -> Code:
        starts = torch.cat([image.start for image in self.images])
        z = self.model.encode(starts)
        steps = encode_steps(
            self.network,
            self.sampler,
            self.model.encode_latents(starts),
            prepared(self.model.prepare, z),
            [torch.Generator().manual_seed(image.request.settings.seed) for image in self.images],
            iterations=CALLS_TO_ENCODE[self.settings.mode],
        )
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return Code(z, *end.value)

    def _frames(self, code: Code) -> Frames:
        settings, z, noises = self.settings, code.z, code.noises
        options = step_options(settings, code._asdict(), self.model.code_root)
        for row, image in enumerate(self.images):
            of_code = image.loss.objective.of_code(self.model, options.wrt)
            of_noise = None
            if image.redraw is not None and z is not None and noises is not None:
                of_noise = image.redraw.projection(Code(z[row : row + 1], code.x_T, noises[:, row : row + 1]))
            image.project = in_turn([of_code, of_noise])
        projected = any(image.project is not None for image in self.images)
        rules = replace(options.rules, project=self._project if projected else None)
        return guide(
            self.network,
            self.sampler,
            code.x_T,
            z,
            self.model.on_latents(self._loss),
            noises=noises,
            gradient=gradient_method(settings, self.graphs, self.model.prepare),
            steps=settings.optimisation_steps,
            **options._replace(rules=rules)._asdict(),
        )

    def _loss(self, pictures: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,): of each picture its own loss."""
        parts = [partial(image.loss, part) for image, part in zip(self.images, torch.split(pictures, 1), strict=True)]
        return torch.cat(_all(self.gather.run(parts)))

    def _project(self, before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> dict[str, Tensor]:
        def projected(row: int, image: _Image) -> dict[str, Tensor]:
            then, now = (_row_of(values, row) for values in (before, after))
            return now if image.project is None else {**now, **image.project(then, now)}

        rows = _all(self.gather.run([partial(projected, *pair) for pair in enumerate(self.images)]))
        return {name: torch.cat([row[name] for row in rows], dim=_images_of(name)) for name in rows[0]}

    def _add(self, frame: Frame) -> dict[int, Exception]:
        """Add the frame to the history of every picture; the pictures without a finite start fail."""
        failed: dict[int, Exception] = {}
        points: list[CurvePoint | Exception] = self.gather.run(
            [partial(image.loss.point, _row(frame, row)) for row, image in enumerate(self.images)]
        )
        for row, (image, point) in enumerate(zip(self.images, points, strict=True)):
            if frame.step == 0 and frame.status[row] == "failed":
                failed[image.number] = FloatingPointError("The loss is not finite at the start.")
                continue
            image.calls = self.network.calls
            if image.round_trip is None:  # frame 0 is sampled from the encoding itself
                image.round_trip = measure(image.start, image.loss.image)
            image.history.add(_all([point])[0], to_image(image.loss.image))
        return failed

    def _goes_on(self, row: int, frame: Frame, failed: Mapping[int, Exception]) -> bool:
        image = self.images[row]
        return image.number not in failed and frame.status[row] == "moving" and not image.history.finished


def _images_of(name: str) -> int:
    """The dimension of a variable that counts images."""
    return 1 if name == "noises" else 0


def _row_of(values: Mapping[str, Tensor], row: int) -> dict[str, Tensor]:
    return {name: value.narrow(_images_of(name), row, 1) for name, value in values.items()}


def _row(frame: Frame, row: int) -> Frame:
    """What a curve point reads of a frame, for one picture of the batch."""
    z = frame.variables.get("z")
    variables = {} if z is None else {"z": z[row : row + 1]}
    return frame._replace(loss=frame.loss[row : row + 1], variables=variables)


def _all(found: Sequence[Any]) -> list[Any]:
    """The results; the first exception is raised."""
    for one in found:
        if isinstance(one, Exception):
            raise one
    return list(found)


def _outcome(image: _Image, seconds: float, memory: int) -> Outcome:
    history, best, after = image.history, image.history.best, image.history.best_image
    assert best is not None
    assert after is not None
    assert image.round_trip is not None
    return Outcome(
        settings=image.request.settings,
        before=image.request.start,
        after=after,
        best=best,
        curve=history.curve,
        stopped=False,
        round_trip=image.round_trip,
        calls=image.calls,
        seconds=seconds,
        frames=tuple(history.frames),
        memory=memory,
    )


def _with_verdict(image: _Image, outcome: Outcome) -> Outcome:
    request = image.request
    pictures = request.start, outcome.after, request.second
    return replace(outcome, verdict=verdict(image.model, request.settings, *pictures, image.history.improving))
