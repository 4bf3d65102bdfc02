"""The candidate images of one method, in the order in which they are made; the one with the lowest loss is its morph.

The held-out networks evaluate every candidate, for curves of success over network calls, but do not choose.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from adjointdeis import CountedModel, Precomputed, StepOptions, guide, prepared, sample
from benchmarks.morphing.encodings import Encoder, Faces, together
from benchmarks.morphing.greedy import by_adam, greedy_sample
from benchmarks.morphing.methods import Method
from clay.world import ClayWorld
from losses import Augmented, Loss, Morph
from studio.core.gradients import graphs_kept
from studio.core.settings import Settings
from studio.images.load import to_image, to_tensor
from studio.models.embedded import model_of_world
from studio.queue.cancel import CancelTokens
from studio.runs.interpolation import Code
from studio.runs.morph import Morphed, Morphing, morph
from studio.runs.request import Request


class Candidate(NamedTuple):
    """An image (b, 3, h, w), its loss (b,), and the network calls per pair until then, without the encoding."""

    image: Tensor
    loss: Tensor
    calls: int


@dataclass(frozen=True)
class Start:
    """A batch of pairs and a method."""

    world: ClayWorld
    method: Method
    faces: Faces
    encoder: Encoder

    @property
    def loss(self) -> Loss:
        """Eq. 5.1 with the identity embedder for losses."""
        return Morph(self.world.identity, self.faces.first, self.faces.second)

    def between(self, share: float = 0.5) -> Code:
        """The codes of the pairs, interpolated at `share` in [0, 1]."""
        return together([encoded.at(share) for encoded in self.encoder(self.method, self.faces)])


def candidates(start: Start) -> Iterator[Candidate]:
    """The candidates of a method, in order."""
    makers = {"sample": _search, "search": _search, "greedy": _greedy, "guide": _guide, "page": _page}
    if start.method.kind in makers:
        yield from makers[start.method.kind](start)
        return
    first, second, _ = start.faces
    image = first if start.method.kind == "first" else (first + second) / 2
    with torch.no_grad():
        yield Candidate(image, start.loss(image), 0)


@torch.no_grad()
def _search(start: Start) -> Iterator[Candidate]:
    model, n = CountedModel(start.world.autoencoder), start.method.blends
    sampler, loss = start.method.sampler(_scheduler(start)), start.loss
    for k in range(n):
        code = start.between(k / (n - 1) if n > 1 else 0.5)
        z = prepared(start.world.autoencoder.prepare, code.z)
        *_, image = sample(model, sampler, code.x_T, z, code.noises)
        yield Candidate(image, loss(image), model.calls)


@torch.no_grad()
def _greedy(start: Start) -> Iterator[Candidate]:
    method, loss, model = start.method, start.loss, CountedModel(start.world.autoencoder)
    better = by_adam(loss, method.updates, method.rates["eps"])
    sampler, prepare = method.sampler(_scheduler(start)), start.world.autoencoder.prepare
    image = greedy_sample(model, sampler, start.between(), better, prepare)
    yield Candidate(image, loss(image), model.calls)


def _guide(start: Start) -> Iterator[Candidate]:
    """The updates of the draft, if there is one, and then those of the method, continued from its last point."""
    method, code, before = start.method, start.between(), 0
    loss = Augmented(start.loss, views=method.views) if method.views else start.loss
    for steps, updates in [*([method.draft] if method.draft else []), (method.steps, method.updates)]:
        sampler = method.sampler(_scheduler(start), steps)
        frames = guide(
            start.world.autoencoder,
            sampler,
            code.x_T,
            code.z,
            loss,
            noises=code.noises,
            gradient=Precomputed(start.world.autoencoder.prepare, method.gradient_method()),
            optimizer=method.optimizer,
            lr=method.rates if method.optimizer != "lbfgs" else next(iter(method.rates.values())),
            steps=updates,
            wrt=tuple(method.rates),
            rules=StepOptions(normalize=method.normalize),
        )
        for frame in frames:
            back = method.backward_calls(steps) if frame.grad_norm else 0
            yield Candidate(frame.image, frame.loss, before + frame.nfe - back)
        code, before = code._replace(**frame.variables), before + frame.nfe


def _page(start: Start) -> Iterator[Candidate]:
    """Every image of the studio's run. Its network calls are counted as for the other methods.

    Added are the calls of the round-trip check, and those that stored graphs save in each update. The studio chooses
    its result by more than the total, so the loss of an image is at least that of the result.
    """
    settings, model = Settings(**start.method.page), model_of_world(start.world)
    if start.method.plain:  # no person and no image is predicted from the code
        settings = settings.model_copy(update={"closeness": 0.0})
        model = replace(model, code_person=None, decode_code=None)
    kept = graphs_kept(settings.gradient, settings.sampling_steps, model.graphs)
    request = Request(settings, to_image(start.faces.first), to_image(start.faces.second))
    *events, end = morph(model, request, CancelTokens().new_token())
    assert isinstance(end, Morphed), "the run was not stopped"
    best = end.outcome.best
    for event in events:
        if isinstance(event, Morphing) and event.progress.phase == "optimise":
            progress, point = event.progress, event.progress.curve[-1]
            image = to_tensor(progress.image).to(start.faces.first)
            loss = image.new_tensor([point.total if point.step == best.step else max(point.total, best.total + 1e-4)])
            yield Candidate(image, loss, progress.calls + settings.sampling_steps + progress.step * kept)


def _scheduler(start: Start) -> object:
    return copy.deepcopy(start.world.scheduler)
