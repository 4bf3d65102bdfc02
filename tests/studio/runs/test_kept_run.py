import gc
from collections.abc import Callable
from pathlib import Path
from weakref import ref

import pytest
from torch import Tensor

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.kept_run import MOST, KeptRun
from studio.runs.request import Request
from studio.runs.steer import steer


def last(events: object) -> Outcome:
    *_, end = events  # type: ignore[misc]
    assert isinstance(end, Outcome)
    return end


def tokens(folder: Path) -> Callable[[], CancelToken]:
    made: list[CancelToken] = []

    def token() -> CancelToken:
        made.append(CancelToken(folder / f"stop-{len(made)}"))
        return made[-1]

    return token


@pytest.mark.parametrize("optimiser", ["normalised", "adam"])
def test_a_run_that_goes_on_equals_a_longer_one(
    model: Model, request_for: Callable[..., Request], tmp_path: Path, optimiser: str
) -> None:
    token, kept = tokens(tmp_path), KeptRun()
    whole = last(steer(model, request_for(optimiser=optimiser, optimisation_steps=6), token()))
    first = last(steer(model, request_for(optimiser=optimiser, optimisation_steps=3), token(), kept=kept))
    assert kept.more == 3
    both = last(kept.resume(token()))
    assert both.curve == whole.curve
    assert both.curve[:4] == first.curve
    assert both.settings == whole.settings
    assert [one.tobytes() for one in both.frames] == [one.tobytes() for one in whole.frames]
    assert both.after.tobytes() == whole.after.tobytes()


def test_a_stopped_run_makes_the_updates_that_were_left_as_if_it_had_not_stopped(
    model: Model, request_for: Callable[..., Request], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, kept = tokens(tmp_path), KeptRun()
    whole = last(steer(model, request_for(optimisation_steps=6), token()))
    stop, calls = token(), []
    forward = type(model.network).forward  # type: ignore[attr-defined]

    def counted(self: object, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        calls.append(t)
        if len(calls) == 42:  # in the middle of an update
            stop.set()
        found: Tensor = forward(self, t, x, z)
        return found

    monkeypatch.setattr(type(model.network), "forward", counted)
    stopped = last(steer(model, request_for(optimisation_steps=6), stop, kept=kept))
    made = stopped.curve[-1].step
    assert stopped.stopped
    assert 0 < made < 6
    assert kept.more == 6 - made
    ended = last(kept.resume(token()))
    assert not ended.stopped
    assert ended.curve == whole.curve


@pytest.mark.slow
def test_a_run_has_at_most_as_many_updates_as_the_settings_allow(
    model: Model, request_for: Callable[..., Request], tmp_path: Path
) -> None:
    token, kept = tokens(tmp_path), KeptRun()
    last(steer(model, request_for(optimisation_steps=60, sampling_steps=4), token(), kept=kept))
    assert kept.more == 40
    assert last(kept.resume(token())).curve[-1].step == 100
    assert kept.more == 0
    with pytest.raises(UserError, match="can no longer go on"):
        list(kept.resume(token()))


def test_the_time_between_is_not_counted(
    model: Model, request_for: Callable[..., Request], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, kept = tokens(tmp_path), KeptRun()
    first = last(steer(model, request_for(), token(), kept=kept))
    import studio.runs.base as base

    now = base.perf_counter
    monkeypatch.setattr(base, "perf_counter", lambda: now() + 1000)
    assert first.seconds <= last(kept.resume(token())).seconds < first.seconds + 500


@pytest.mark.slow
def test_only_the_latest_runs_are_kept_and_none_outlives_its_session(
    model: Model, request_for: Callable[..., Request], tmp_path: Path
) -> None:
    token = tokens(tmp_path)
    request = request_for(optimisation_steps=1, sampling_steps=4)
    places = [KeptRun() for _ in range(MOST + 1)]
    for place in places:
        last(steer(model, request, token(), kept=place))
    assert [bool(place.more) for place in places] == [False] + MOST * [True]
    alive = [ref(place._run) for place in places if place._run]
    del places, place
    gc.collect()
    assert len(alive) == MOST
    assert all(run() is None for run in alive)


def test_an_empty_place_offers_nothing() -> None:
    assert KeptRun().more == 0
