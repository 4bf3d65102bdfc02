"""`morph`: one face that two people are recognised in, as a generator of events.

encode       both faces -> z, x_T and (SDE) the noises; sampled back, to measure the round trip
interpolate  the plain morph between the two codes: z on a line, x_T and noises on great circles
optimise     from there down the gradient of

    total =   d(v, v_a) + d(v, v_b) + |d(v, v_a) - d(v, v_b)|    (2405.15020, eq. 5.1)
            + PERSON  relu(d(x) - LEVEL)                         both people in the code, where the model has a map
            + STRANGE  relu(score(x) - 1.05)                     where it has an out-of-distribution score
            + closeness d(x, plain morph)

with d(x) of `losses.CodePerson` for the direction half-way between the people. After each update z moves to a near code
at which relu(d(z) - LEVEL) = 0 (`studio.runs.code_projection`), and the noises to those of both people where z predicts
what their codes predict (`studio.runs.redraw`). There is no pull to likely codes: a code between two people is not
likely, and with the pull fewer morphs were accepted as both people (20 of 30 against 26).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import torch
from PIL import Image
from torch import Tensor

from losses import CodePerson, Loss, SharedEmbedding, WeightedSum
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.models.interface import Model
from studio.runs.base import Run, until_cancelled, with_events
from studio.runs.capabilities import code
from studio.runs.events import Outcome, Progress
from studio.runs.goals.face_losses import both
from studio.runs.goals.kept import OnZ, coded, in_distribution
from studio.runs.goals.measured_loss import MeasuredLoss
from studio.runs.goals.objective import Objective, near
from studio.runs.interpolation import Code, interpolate
from studio.runs.measures.cost import CostModel
from studio.runs.measures.held_out import HeldOutPanel, Verdict
from studio.runs.measures.round_trip import measure
from studio.runs.redraw import redraw_for
from studio.runs.request import Request

PERSON, LEVEL = 5.0, 0.02
STRANGE = 0.5


@dataclass(frozen=True)
class Morphing:
    """Progress. `plain` is the morph without a gradient, None before it exists; the verdicts are on each picture."""

    progress: Progress
    plain: Image.Image | None = None
    of_plain: tuple[Verdict, ...] = ()
    of_now: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class Morphed:
    """The end: `outcome.before` is the plain morph, `outcome.after` the optimised one."""

    outcome: Outcome
    first: Image.Image
    second: Image.Image
    of_plain: tuple[Verdict, ...]
    of_now: tuple[Verdict, ...]


def morph(
    model: Model, request: Request, stop: CancelToken, cost_model: CostModel | None = None
) -> Iterator[Morphing | Morphed]:
    """Progress, then one Morphed; none if cancelled before the plain morph.

    Args:
        model: denoiser, encoder, the embedder of the loss and the held-out embedders.
        request: two faces, and settings whose loss is "morph".
        stop: checked at every network call.
        cost_model: the measured pace of this device, updated by this run.

    Raises:
        ValueError: the request has no second face.
        UserError: the model has no z or no face network, or a face is not found.
    """
    if request.second is None:
        raise ValueError("A morph needs two faces; use the loss 'morph' in Request.checked, which asks for both.")
    if not request.settings.everywhere:
        raise UserError("A morph changes the whole picture: choose no part in “Change only”, and paint no area.")
    run = Run(model, request.settings, stop, cost_model)
    verdicts: list[tuple[Verdict, ...]] = []
    faces = [run.tensor(picture) for picture in (request.start, request.second)]
    stopped = yield from until_cancelled(_events(run, faces, verdicts))
    if outcome := run.outcome(stopped):
        of_best = verdicts[outcome.curve.index(outcome.best)]
        yield Morphed(outcome, request.start, request.second, verdicts[0], of_best)


def _events(run: Run, faces: list[Tensor], verdicts: list[tuple[Verdict, ...]]) -> Iterator[Morphing]:
    """Progress; the verdicts on every morph are appended to the list."""
    panel = HeldOutPanel(run.model, *faces)
    codes, n, began = [], run.sampler.steps, perf_counter()

    def encoding(step: int, state: Tensor) -> Morphing:
        return Morphing(run.encoding(step, 3 * n, state))

    for k, face in enumerate(faces):
        with torch.no_grad():
            z = code(run.model, face)
        codes.append((yield from with_events(run.encode(face, z), encoding, done=k * n)))
    run.cost_model.record_encoding(perf_counter() - began, run.network.calls, run.settings, 2 * n)
    for step, state in enumerate(run.samples(_batch(codes)), 2 * n):
        yield encoding(step, state)
    again = run.model.decode_latents(state)
    trips = [measure(face, again[k : k + 1]) for k, face in enumerate(faces)]
    run.round_trip = max(trips, key=lambda trip: trip.largest)
    middle = interpolate(codes[0], codes[1])
    *_, plain = run.samples(middle)
    loss = MeasuredLoss(_objective(run, faces, codes, run.model.decode_latents(plain)))
    for progress in run.optimise(middle, loss):
        verdicts.append(panel.verdicts(loss.image))
        yield Morphing(progress, run.history.frames[0], verdicts[0], verdicts[-1])


def _batch(codes: list[Code]) -> Code:
    """Several codes as one batch."""
    z, x_T, noises = ([part for part in parts if part is not None] for parts in zip(*codes, strict=True))
    return Code(torch.cat(z), torch.cat(x_T), torch.cat(noises, dim=1) if noises else None)


def _objective(run: Run, faces: list[Tensor], codes: list[Code], plain: Tensor) -> Objective:
    goal = both(run.model.identity, faces[0], faces[1], plain)
    weighted: list[tuple[float, Loss]] = [(1.0, goal)]
    on_z: OnZ = ()
    if run.model.code_person is not None:
        encode = coded(run.model)
        on_z = [(PERSON, CodePerson(encode, run.model.code_person, [encode(face) for face in faces], LEVEL))]
        weighted.append((1.0, SharedEmbedding(encode, on_z)))
    if (strange := in_distribution(run.model)) is not None:
        weighted.append((STRANGE, strange))
    redraw = redraw_for(run.model, run.settings, codes)
    if run.settings.closeness > 0:
        weighted.append((run.settings.closeness, near(run.settings, run.model, plain, redraw)))
    names = {"Match with the first face": goal.a, "Match with the second face": goal.b}
    return Objective(WeightedSum(weighted), names, on_z, redraw=redraw)
