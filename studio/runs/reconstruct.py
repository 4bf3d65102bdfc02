"""`reconstruct`: a picture to noise and back, without a gradient, by the SDE and by the ODE, as a generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import torch
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.images.load import to_image
from studio.models.interface import Model
from studio.runs.base import Run, until_cancelled, with_events
from studio.runs.events import Progress
from studio.runs.measures.cost import CostModel
from studio.runs.measures.round_trip import RoundTrip, measure
from studio.runs.request import Request


@dataclass(frozen=True)
class Reconstructed:
    """The picture that sampling returns, its error, and the network calls made."""

    image: Image.Image
    round_trip: RoundTrip
    calls: int


@dataclass(frozen=True)
class Reconstruction:
    """The end: `before` is the model's input."""

    before: Image.Image
    by_sde: Reconstructed
    by_ode: Reconstructed
    seconds: float


def reconstruct(
    model: Model, request: Request, stop: CancelToken, cost_model: CostModel | None = None
) -> Iterator[Progress | Reconstruction]:
    """Progress, then one Reconstruction; none if cancelled.

    Args:
        model: denoiser and encoder.
        request: the picture; of the settings the grid, the noise level and the seed.
        stop: checked at every network call.
        cost_model: the measured pace of this device.
    """
    began = perf_counter()
    found: list[Reconstructed] = []
    for mode in ("sde", "ode"):
        order = request.settings.order if mode == "sde" else 1
        settings = request.settings.model_copy(update={"mode": mode, "order": order})
        run = Run(model, settings, stop, cost_model)
        if (yield from until_cancelled(_events(run, request.start, found))):
            return
    yield Reconstruction(request.start, found[0], found[1], perf_counter() - began)


def _events(run: Run, picture: Image.Image, found: list[Reconstructed]) -> Iterator[Progress]:
    start, n = run.tensor(picture), run.sampler.steps
    with torch.no_grad():
        z = run.model.encode(start)
    code = yield from with_events(run.encode(start, z), lambda step, state: run.encoding(step, 2 * n, state))
    for step, state in enumerate(run.samples(code), n):
        yield run.encoding(step, 2 * n, state)
    again = run.model.decode_latents(state)
    found.append(Reconstructed(to_image(again), measure(start, again), run.network.calls))
