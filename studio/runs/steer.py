"""`steer`: one picture towards one goal, as a generator of events: encode, then optimise (see `base`)."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import torch

from studio.core.cancellation import CancelToken
from studio.models.interface import Model
from studio.runs.base import Run, until_cancelled, with_events
from studio.runs.events import Early, Event, Progress
from studio.runs.kept_run import KeptRun, Link
from studio.runs.measures.cost import CostModel
from studio.runs.measures.round_trip import measure
from studio.runs.request import Request


def steer(
    model: Model,
    request: Request,
    stop: CancelToken,
    cost_model: CostModel | None = None,
    kept: KeptRun | None = None,
    link: Link | None = None,
    early: Early | None = None,
) -> Iterator[Event]:
    """Progress events, then one Outcome.

    Args:
        model: denoiser, encoder and the networks of the losses.
        request: pictures and settings.
        stop: checked at every network call. After it is set the best picture so far is the outcome; before the
            first sample there is no outcome.
        cost_model: the measured pace of this device, updated by this run.
        kept: holds the run after its end, so that `resume` can go on.
        link: the state from which a chain goes on; `request` is then that of `KeptRun.next_request`.
        early: see `Run`.

    Raises:
        UserError: the model cannot do what the request asks for.
    """
    run = Run(model, request.settings, stop, cost_model, early)
    stopped = yield from until_cancelled(_events(run, request) if link is None else _further(run, request, link))
    if outcome := run.outcome_with_verdict(stopped, request):
        if kept is not None:
            kept.keep(run, request)
        yield outcome


def _events(run: Run, request: Request) -> Iterator[Progress]:
    start = run.tensor(request.start)
    second = None if request.second is None else run.tensor(request.second)
    loss = run.goal(start, second)  # may refuse, so it comes first
    with torch.no_grad():
        z = run.model.encode(start)
    n, began = run.sampler.steps, perf_counter()
    code = yield from with_events(run.encode(start, z), lambda step, state: run.encoding(step, n, state))
    run.cost_model.record_encoding(perf_counter() - began, run.network.calls, run.settings, n)
    for progress in run.optimise(code, loss):
        if run.round_trip is None:  # image 0 is sampled from the encoding itself
            run.round_trip = measure(start, loss.sampled)
        yield progress
    run.cost_model.record_memory(run.network.peak_memory, run.settings, n)


def _further(run: Run, request: Request, link: Link) -> Iterator[Progress]:
    """From the state that a chain has reached: nothing is encoded, unless its picture is a composite."""
    loss = run.goal(run.tensor(request.start), None, link.picture)
    code, n = link.code, run.sampler.steps
    if link.composited:
        code = yield from with_events(
            run.encode(link.picture, code.z), lambda step, state: run.encoding(step, n, state)
        )
    run.round_trip = link.round_trip
    yield from run.optimise(code, loss, link.first)
