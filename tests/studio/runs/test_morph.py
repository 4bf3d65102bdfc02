import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from losses import CodePerson, LinearHead, Morph
from studio.core.cancellation import CancelToken
from studio.images.load import to_tensor
from studio.models.interface import Model
from studio.runs.goals.measured_loss import of_z
from studio.runs.morph import Morphed, Morphing, morph
from studio.runs.request import Request
from studio.runs.sampling import sampler_for

Make = Callable[..., Request]


@pytest.fixture
def ask(request_for: Make, save_picture: Callable[..., Path]) -> Make:
    return lambda **settings: request_for(
        save_picture("second.png", colour="navy"), **{"loss": "morph", "closeness": 0.0, **settings}
    )


@pytest.mark.parametrize("mode", ["sde", "ode"])
def test_a_morph_starts_half_way_and_comes_closer_to_both(
    model: Model, ask: Make, cancel_token: CancelToken, mode: str
) -> None:
    *moving, done = morph(model, ask(mode=mode, optimisation_steps=8, z_rate=0.02, noise_rate=0.0005), cancel_token)
    assert isinstance(done, Morphed)
    assert all(isinstance(event, Morphing) for event in moving)
    curve = done.outcome.curve
    assert done.outcome.best.total < curve[0].total
    # eq. 5.1 from the two similarities: d_a + d_b + |d_a - d_b| is twice the larger distance
    for point in curve:
        worse = min(point.similarity.values())
        assert point.total == pytest.approx(2 * (1 - worse), abs=1e-4)


def test_z_is_half_way_between_both_people_after_every_update(
    model: Model, ask: Make, cancel_token: CancelToken
) -> None:
    """The line between two codes is not: their numbers have different lengths."""
    head = LinearHead(torch.randn(4, 12, generator=torch.Generator().manual_seed(0)), torch.full((4,), 0.3))
    known = dataclasses.replace(model, code_person=head)
    *_, done = morph(known, ask(optimisation_steps=3), cancel_token)
    assert isinstance(done, Morphed)
    first, *moved = (point.terms[of_z(CodePerson.name)] for point in done.outcome.curve)
    assert first > 1e-3
    assert max(moved) < 1e-4
    assert len(moved) == 3


def test_the_first_step_is_the_plain_morph(model: Model, ask: Make, cancel_token: CancelToken) -> None:
    *_, done = morph(model, ask(), cancel_token)
    assert isinstance(done, Morphed)
    assert done.outcome.before == done.outcome.frames[0]
    assert [verdict.name for verdict in done.of_plain] == ["identity", "convolutional", "transformer"]
    first, second = (to_tensor(image) for image in (done.first, done.second))
    loss = Morph(model.identity, first, second)
    assert float(loss(to_tensor(done.outcome.before))[0]) == pytest.approx(done.outcome.curve[0].total, abs=0.05)


def test_both_faces_come_back_exactly(model: Model, ask: Make, cancel_token: CancelToken) -> None:
    *_, done = morph(model, ask(), cancel_token)
    assert isinstance(done, Morphed)
    assert done.outcome.round_trip.exact


def test_held_out_networks_have_no_part_in_the_loss(model: Model, ask: Make, cancel_token: CancelToken) -> None:
    *_, with_held_out = morph(model, ask(), cancel_token)
    *_, without = morph(dataclasses.replace(model, held_out={}), ask(), cancel_token)
    assert isinstance(with_held_out, Morphed)
    assert isinstance(without, Morphed)
    assert with_held_out.outcome.after == without.outcome.after


def test_closeness_holds_the_morph_near_the_plain_one(model: Model, ask: Make, cancel_token: CancelToken) -> None:
    def distance(closeness: float) -> float:
        *_, done = morph(model, ask(closeness=closeness, optimisation_steps=8, optimiser="adam"), cancel_token)
        assert isinstance(done, Morphed)
        images = to_tensor(done.outcome.frames[-1]), to_tensor(done.outcome.before)
        return float((images[0] - images[1]).square().mean())

    assert distance(10.0) < distance(0.0)


def test_progress_runs_through_both_phases_and_every_step(model: Model, ask: Make, cancel_token: CancelToken) -> None:
    request = ask()
    *moving, _ = morph(model, request, cancel_token)
    seen = [event.progress for event in moving if isinstance(event, Morphing)]
    steps = 3 * sampler_for(model, request.settings).steps
    encoding = [p.step for p in seen if p.phase == "encode"]
    assert encoding == sorted(encoding)
    assert (encoding[0], encoding[-1]) == (1, steps)
    assert [p.step for p in seen if p.phase == "optimise"] == list(range(request.settings.optimisation_steps + 1))


def test_stopped_early_the_best_so_far_is_kept(model: Model, ask: Make, cancel_token: CancelToken) -> None:
    events = []
    for event in morph(model, ask(optimisation_steps=50), cancel_token):
        events.append(event)
        if isinstance(event, Morphing) and event.progress.phase == "optimise" and event.progress.step == 2:
            cancel_token.set()
    assert isinstance(events[-1], Morphed)
    assert events[-1].outcome.stopped
    assert events[-1].outcome.curve[-1].step == 2


def test_stopped_at_once_there_is_nothing(model: Model, ask: Make, cancel_token: CancelToken) -> None:
    cancel_token.set()
    assert list(morph(model, ask(), cancel_token)) == []


def test_the_same_request_gives_the_same_morph(model: Model, ask: Make, cancel_token: CancelToken) -> None:
    (*_, first), (*_, second) = morph(model, ask(seed=3), cancel_token), morph(model, ask(seed=3), cancel_token)
    assert isinstance(first, Morphed)
    assert isinstance(second, Morphed)
    assert first.outcome.after == second.outcome.after


def test_one_face_is_not_enough(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    with pytest.raises(ValueError, match="needs two faces"):
        next(iter(morph(model, request_for(), cancel_token)))
