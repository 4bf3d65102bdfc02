from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from studio.core.cancellation import CancelToken
from studio.models.interface import Model
from studio.runs.batch.steer import steer_together
from studio.runs.events import Outcome
from studio.runs.measures.monitored import Cancelled
from studio.runs.request import Request
from studio.runs.steer import steer
from tests.stub import SIZE

Make = Callable[..., Request]


@pytest.fixture
def requests_for(tmp_path: Path) -> Callable[..., list[Request]]:
    """Requests with pictures, prompts and seeds of their own."""

    def make(count: int, **settings: object) -> list[Request]:
        found = []
        for i in range(count):
            generator = np.random.default_rng(i)
            paths = [tmp_path / f"{i}-{k}.png" for k in range(2)]
            for path in paths:
                Image.fromarray(generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
            own = {"prompt": f"hair number {i}", "seed": i, "sampling_steps": 5, "optimisation_steps": 4}
            found.append(Request.checked({**own, **settings}, *paths, SIZE))
        return found

    return make


def together(model: Model, requests: list[Request], token: CancelToken) -> list[Outcome]:
    found = dict(steer_together(model, requests, token))
    assert all(isinstance(one, Outcome) for one in found.values()), found
    return [found[i] for i in range(len(requests))]


def alone(model: Model, request: Request, token: CancelToken) -> Outcome:
    *_, last = steer(model, request, token)
    assert isinstance(last, Outcome)
    return last


def difference(a: Outcome, b: Outcome) -> int:
    return int(np.abs(np.asarray(a.after, int) - np.asarray(b.after, int)).max())


@pytest.mark.parametrize("loss", ["edit", "clip_text", "clip_directional", "clip_image", "identity", "mix"])
@pytest.mark.parametrize("optimiser", ["normalised", "adam"])
@pytest.mark.slow
def test_a_batch_gives_what_single_runs_give(
    model: Model, requests_for: Callable[..., list[Request]], cancel_token: CancelToken, loss: str, optimiser: str
) -> None:
    requests = requests_for(3, loss=loss, optimiser=optimiser)
    for request, found in zip(requests, together(model, requests, cancel_token), strict=True):
        single = alone(model, request, cancel_token)
        assert difference(single, found) <= 1
        assert [p.total for p in found.curve] == pytest.approx([p.total for p in single.curve], abs=1e-4)
        assert [p.similarity for p in found.curve] == [pytest.approx(p.similarity, abs=1e-4) for p in single.curve]
        assert found.verdict is not None
        assert single.verdict is not None
        assert found.verdict.reached == single.verdict.reached
        assert (found.calls, found.round_trip, len(found.frames)) == (single.calls, single.round_trip, 5)


@pytest.mark.parametrize("mode", ["sde", "ode"])
def test_a_picture_has_the_noise_of_its_own_seed_in_every_batch(
    model: Model, requests_for: Callable[..., list[Request]], cancel_token: CancelToken, mode: str
) -> None:
    requests = requests_for(4, loss="clip_text", mode=mode)
    first, *_ = together(model, [requests[0], *requests[1:3]], cancel_token)
    *_, last = together(model, [requests[3], requests[2], requests[0]], cancel_token)
    assert difference(first, last) <= 1


def test_one_network_call_serves_all_pictures(
    model: Model, requests_for: Callable[..., list[Request]], cancel_token: CancelToken
) -> None:
    sizes: list[int] = []

    def network(t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        sizes.append(len(x))
        return model.network(t, x, z)

    found = together(replace(model, network=network), requests_for(3), cancel_token)
    assert set(sizes) == {3}
    assert len(sizes) == found[0].calls


def test_a_finished_picture_leaves_the_batch_and_the_others_go_on(
    model: Model, requests_for: Callable[..., list[Request]], cancel_token: CancelToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests, sizes = requests_for(3, loss="clip_text", optimisation_steps=6), []
    expected = together(model, requests, cancel_token)

    def network(t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        sizes.append(len(x))
        return model.network(t, x, z)

    # the middle one is finished after two updates
    monkeypatch.setattr(
        "studio.runs.measures.history.RunHistory.finished",
        property(lambda self: self.points[0].total == expected[1].curve[0].total and len(self.points) > 2),
    )
    found = together(replace(model, network=network), requests, cancel_token)
    assert [one.curve[-1].step for one in found] == [6, 2, 6]
    assert sizes[0] == 3
    assert sizes[-1] == 2
    for i in (0, 2):
        assert difference(found[i], expected[i]) <= 1


def test_a_picture_that_a_goal_refuses_does_not_stop_the_others(
    model: Model, requests_for: Callable[..., list[Request]], cancel_token: CancelToken
) -> None:
    requests = requests_for(3, loss="clip_directional")
    same = requests[1].settings.model_copy(update={"source_text": requests[1].settings.prompt})
    requests[1] = replace(requests[1], settings=same)
    found = dict(steer_together(model, requests, cancel_token))
    assert "mean the same" in str(found[1])
    assert isinstance(found[0], Outcome)
    assert isinstance(found[2], Outcome)


def test_a_picture_without_a_finite_start_fails_alone(
    model: Model, requests_for: Callable[..., list[Request]], cancel_token: CancelToken
) -> None:
    requests = requests_for(3, loss="clip_text")
    white = replace(requests[1], start=Image.new("RGB", (SIZE, SIZE), "white"))

    def network(t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        return torch.where(z.mean(dim=1)[:, None, None, None] > 0.99, torch.nan, model.network(t, x, z))

    found = dict(steer_together(replace(model, network=network), [requests[0], white, requests[2]], cancel_token))
    assert isinstance(found[1], FloatingPointError)
    assert isinstance(found[0], Outcome)
    assert isinstance(found[2], Outcome)


def test_settings_of_a_batch_fit_together(
    model: Model, requests_for: Callable[..., list[Request]], cancel_token: CancelToken
) -> None:
    requests = [*requests_for(1), *requests_for(1, sampling_steps=7)]
    with pytest.raises(ValueError, match="got 2 combinations"):
        list(steer_together(model, requests, cancel_token))


def test_a_cancelled_batch_ends(
    model: Model, requests_for: Callable[..., list[Request]], cancel_token: CancelToken
) -> None:
    cancel_token.set()
    with pytest.raises(Cancelled):
        list(steer_together(model, requests_for(2), cancel_token))
