"""`morph`: one face that is two people's, from a checked request to a finished picture, as a generator of events.

    encode     both faces -> z, x_T and (SDE) the noises; sampled back, to see how exactly they return
    meet       the plain morph between the two codes: z on a line, x_T and noises on great circles
    optimise   from there down the gradient of L = d(v, v_a) + d(v, v_b) + |d(v, v_a) - d(v, v_b)| (2405.15020, eq. 5.1)

Like `run.py` it knows no page and no thread, and the same request gives the same picture.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from time import perf_counter

import torch
from PIL import Image
from torch import Tensor

from adjointdeis import Frame, encode_steps, guide, prepared, sample
from losses import Loss, WeightedSum
from studio.core.cancellation import CancelToken
from studio.core.gradients import CALLS_TO_ENCODE, gradient_method
from studio.images.load import to_image, to_tensor
from studio.models.interface import Model
from studio.runs.capabilities import check_capabilities, code
from studio.runs.cost import CostModel
from studio.runs.events import CurvePoint, Outcome, Progress
from studio.runs.face_losses import both
from studio.runs.held_out import HeldOutPanel, Verdict
from studio.runs.history import RunHistory
from studio.runs.interpolation import Code, meet
from studio.runs.monitored import Cancelled, MonitoredNetwork
from studio.runs.objective import Objective, near
from studio.runs.request import Request
from studio.runs.round_trip import RoundTrip, measure
from studio.runs.sampling import sampler_for
from studio.runs.step_options import stepping
from studio.runs.trajectory import trajectory


@dataclass(frozen=True)
class Morphing:
    """On the way: `plain` is the morph without a gradient, None before there is one; verdicts are on each picture."""

    progress: Progress
    plain: Image.Image | None = None
    of_plain: tuple[Verdict, ...] = ()
    of_now: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class Morphed:
    """The end: `outcome.before` is the plain morph, `outcome.after` the steered one."""

    outcome: Outcome
    first: Image.Image
    second: Image.Image
    of_plain: tuple[Verdict, ...]
    of_now: tuple[Verdict, ...]


def morph(
    model: Model, request: Request, stop: CancelToken, cost_model: CostModel | None = None
) -> Iterator[Morphing | Morphed]:
    """Progress, then one Morphed; none when stopped before the plain morph was there.

    Args:
        model: denoiser, encoder, the embedder of the loss and the judges.
        request: two faces, and settings whose loss is "morph".
        stop: checked at every network call.
        cost_model: how fast this device was so far; brought up to date here.
    """
    run = _Run(model, request, stop, CostModel() if cost_model is None else cost_model)
    stopped = False
    try:
        codes = yield from run.encode()
        yield from run.check(codes)
        yield from run.optimise(meet(codes[0], codes[1]))
    except Cancelled:
        stopped = True
    yield from run.outcome(stopped)


class _Run:
    """What the phases of one run share."""

    def __init__(self, model: Model, request: Request, stop: CancelToken, cost_model: CostModel) -> None:
        if request.second is None:
            raise ValueError("A morph needs two faces; ask for the loss 'morph' when the request is checked.")
        check_capabilities(model, request.settings)
        self._began = perf_counter()
        self._model, self._request, self._settings, self._cost_model = model, request, request.settings, cost_model
        self._second = request.second
        self._network = MonitoredNetwork(model.network, stop, model.device)
        self._sampler = sampler_for(model, self._settings)
        self._faces = [to_tensor(image).to(model.device) for image in (request.start, request.second)]
        self._panel = HeldOutPanel(model, *self._faces)
        self._track = RunHistory()
        self._round_trip: RoundTrip | None = None
        self._opinions: list[tuple[Verdict, ...]] = []

    def encode(self) -> Generator[Morphing, None, list[Code]]:
        """Both faces, one after the other, along paths of the same noise."""
        n, codes = self._sampler.steps, []
        for k, face in enumerate(self._faces):
            with torch.no_grad():
                z = code(self._model, face)
            generator = torch.Generator().manual_seed(self._settings.seed)
            states = encode_steps(
                self._network,
                self._sampler,
                self._model.encode_latents(face),
                prepared(self._model.prepare, z),
                generator,
                iterations=CALLS_TO_ENCODE[self._settings.mode],
            )
            for step in range(1, n + 2):
                try:
                    state = next(states)
                except StopIteration as end:
                    codes.append(Code(z, *end.value))
                    break
                yield Morphing(self._progress("encode", k * n + step, 3 * n, state))
        self._cost_model.saw_encoding(perf_counter() - self._began, self._network.calls, self._settings, 2 * n)
        return codes

    @torch.no_grad()
    def check(self, codes: list[Code]) -> Iterator[Morphing]:
        """Sample both faces back at once, and keep the worse round trip."""
        n = self._sampler.steps
        z, x_T = (torch.cat([getattr(code, name) for code in codes]) for name in ("z", "x_T"))
        a, b = (code.noises for code in codes)
        noises = None if a is None or b is None else torch.cat([a, b], dim=1)
        told = prepared(self._model.prepare, z)
        for step, state in enumerate(sample(self._network, self._sampler, x_T, told, noises)):
            yield Morphing(self._progress("encode", 2 * n + step, 3 * n, state))
        again = self._model.decode_latents(state)
        trips = [measure(face, again[k : k + 1]) for k, face in enumerate(self._faces)]
        self._round_trip = max(trips, key=lambda trip: trip.largest)

    def optimise(self, start: Code) -> Iterator[Morphing]:
        """The sample after every update; that of step 0 is the plain morph."""
        settings, n = self._settings, self._sampler.steps
        goal: Objective | None = None
        with torch.no_grad():
            z = prepared(self._model.prepare, start.z)
            *_, plain = sample(self._network, self._sampler, start.x_T, z, start.noises)
        goal = self._objective(self._model.decode_latents(plain))
        step = stepping(settings, start._asdict())
        before = perf_counter()
        self._network.follow(n)
        for frame in guide(
            self._network,
            self._sampler,
            start.x_T,
            start.z,
            self._model.on_latents(goal.loss),
            noises=start.noises,
            gradient=gradient_method(settings, self._model.graphs, self._model.prepare),
            steps=settings.optimisation_steps,
            **step._asdict(),
        ):
            self._see(frame, goal)
            self._network.follow(n)
            if frame.grad_norm:
                self._cost_model.saw_update(perf_counter() - before, settings, n)
            before = perf_counter()
            progress = self._progress("optimise", frame.step, settings.optimisation_steps, frame.image)
            yield Morphing(progress, self._track.frames[0], self._opinions[0], self._opinions[-1])

    def outcome(self, stopped: bool) -> Iterator[Morphed]:
        """The best morph so far, if there is one."""
        best, image = self._track.best, self._track.image
        if best is None or image is None or self._round_trip is None:
            return
        outcome = Outcome(
            settings=self._settings,
            before=self._track.frames[0],
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
        of_best = self._opinions[self._track.points.index(best)]
        yield Morphed(outcome, self._request.start, self._second, self._opinions[0], of_best)

    def _progress(self, phase: str, step: int, steps: int, image: Tensor) -> Progress:
        encoding = phase == "encode"
        n, updated = self._sampler.steps, 0 if encoding else step + 1
        left = self._cost_model.remaining(self._settings, n, encoded=min(step, n) if encoding else n, updated=updated)
        return Progress(
            phase="encode" if encoding else "optimise",
            step=step,
            steps=steps,
            seconds_left=left,
            image=to_image(self._model.preview_latents(image)),
            curve=self._track.curve,
            calls=self._network.calls,
            memory=self._network.memory,
        )

    def _objective(self, plain: Tensor) -> Objective:
        """Eq. 5.1, and near the plain morph as far as closeness asks for it."""
        goal = both(self._model.identity, self._faces[0], self._faces[1], plain)
        weighted: list[tuple[float, Loss]] = [(1.0, goal)]
        if self._settings.closeness > 0:
            weighted.append((self._settings.closeness, near(self._settings, self._model, plain)))
        names = {"Match with the first face": goal.a, "Match with the second face": goal.b}
        return Objective(WeightedSum(weighted), names)

    def _see(self, frame: Frame, goal: Objective) -> None:
        image = self._model.decode_latents(frame.image)
        point = CurvePoint(frame.step, float(frame.loss[0]), goal.terms(image), goal.similarity(image))
        self._opinions.append(self._panel.verdicts(image))
        self._track.add(point, to_image(image), self._network.passed)
