"""Chains of edits on the small model: `KeptRun.next_request`, `link` and `at_strength`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.settings import Settings
from studio.models.interface import Model
from studio.runs.events import Event, Outcome
from studio.runs.kept_run import KeptRun
from studio.runs.request import Request
from studio.runs.steer import steer

Make = Callable[..., Request]
EDIT = {"prompt": "a person with red hair", "z_rate": 0.2, "noise_rate": 0.1, "closeness": 0.0, "optimisation_steps": 4}


def last(events: Iterator[Event]) -> Outcome:
    *_, outcome = events
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.fixture
def stop(tmp_path: Path) -> Callable[[], CancelToken]:
    made: list[None] = []

    def token() -> CancelToken:
        made.append(None)
        return CancelToken(tmp_path / f"stop-{len(made)}")

    return token


@pytest.fixture
def begun(model: Model, request_for: Make, stop: Callable[[], CancelToken]) -> tuple[KeptRun, Outcome]:
    kept = KeptRun()
    return kept, last(steer(model, request_for(**EDIT), stop(), kept=kept))


def test_the_next_edit_begins_at_the_result_of_the_one_before_and_is_compared_with_the_first_picture(
    begun: tuple[KeptRun, Outcome], model: Model, stop: Callable[[], CancelToken]
) -> None:
    kept, first = begun
    request = kept.next_request(Settings(**{**EDIT, "prompt": "a person with a hat", "sampling_steps": 9, "seed": 5}))
    assert (request.settings.sampling_steps, request.settings.seed) == (5, 0)
    second = last(steer(model, request, stop(), kept=KeptRun(), link=kept.link(stop())))
    assert second.frames[0].tobytes() == first.after.tobytes()
    assert second.before.tobytes() == first.before.tobytes()
    assert second.round_trip == first.round_trip
    # nothing is encoded: five calls a sample
    assert second.calls < first.calls


def test_the_edits_so_far_are_goals_of_the_next_one(
    begun: tuple[KeptRun, Outcome], model: Model, stop: Callable[[], CancelToken], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, _ = begun
    monkeypatch.setattr(KeptRun, "_is_made", True)
    request = kept.next_request(Settings(**{**EDIT, "prompt": "a hat"}))
    assert request.settings.earlier_prompts == ("a person with red hair",)
    again = KeptRun()
    found = last(steer(model, request, stop(), kept=again, link=kept.link(stop())))
    assert next(iter(found.best.similarity)) == "Probability of “a hat”"
    third = again.next_request(Settings(**{**EDIT, "prompt": "a; b" + "c" * 290}))
    assert third.settings.earlier == "a person with red hair; a hat"
    monkeypatch.setattr(KeptRun, "_is_made", False)
    assert again.next_request(Settings(**EDIT)).settings.earlier == "a person with red hair"


def test_the_oldest_edits_are_dropped_where_the_text_would_be_too_long(
    model: Model, request_for: Make, stop: Callable[[], CancelToken], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, long = KeptRun(), "b" * 200
    last(steer(model, request_for(**{**EDIT, "prompt": long, "earlier": "a" * 200}), stop(), kept=kept))
    monkeypatch.setattr(KeptRun, "_is_made", True)
    assert kept.next_request(Settings(**EDIT)).settings.earlier == long


def test_the_strength_goes_from_the_begin_to_the_result_and_a_chain_goes_on_from_there(
    begun: tuple[KeptRun, Outcome], stop: Callable[[], CancelToken]
) -> None:
    kept, first = begun
    result, start = (np.asarray(image, dtype=int) for image in (first.after, first.frames[0]))
    assert np.abs(result - start).max() > 10
    found = {t: last(kept.at_strength(t, stop())) for t in (1.0, 0.5, 0.0)}
    assert np.abs(np.asarray(found[1.0].after, dtype=int) - result).max() <= 1
    assert np.abs(np.asarray(found[0.0].after, dtype=int) - start).max() <= 1
    half = np.asarray(found[0.5].after, dtype=int)
    assert 0 < np.abs(half - start).mean() < np.abs(result - start).mean()
    assert found[0.5].strength == 0.5
    assert np.abs(kept.link(stop()).code.z - kept.link(stop()).first.z).max() < 1e-6


def test_a_composite_is_encoded_before_the_next_edit(
    model: Model, request_for: Make, stop: Callable[[], CancelToken]
) -> None:
    kept, painted = KeptRun(), "_" * 86 + "A" * 85
    request = request_for(**{**EDIT, "painted": painted[:171], "outside": "exact"})
    first = last(steer(model, request, stop(), kept=kept))
    link = kept.link(stop())
    assert link.composited
    second = last(steer(model, kept.next_request(Settings(**EDIT)), stop(), kept=KeptRun(), link=link))
    assert np.abs(np.asarray(second.frames[0], dtype=int) - np.asarray(first.after)).max() <= 1


def test_a_chain_needs_an_edit_before_and_after(
    begun: tuple[KeptRun, Outcome], model: Model, request_for: Make, stop: Callable[[], CancelToken]
) -> None:
    kept, _ = begun
    with pytest.raises(UserError, match="Only edits go on from a result: choose the goal “Edit”, or press Run"):
        kept.next_request(Settings(loss="clip_text", prompt="a hat"))
    other = KeptRun()
    last(steer(model, request_for(loss="clip_text"), stop(), kept=other))
    assert not other.chains
    for empty in (other, KeptRun()):
        with pytest.raises(UserError, match="This run can no longer go on"):
            empty.next_request(Settings(**EDIT))
        with pytest.raises(UserError, match="This run can no longer go on"):
            empty.link(stop())
    with pytest.raises(UserError, match="This run can no longer go on"):
        next(KeptRun().at_strength(1, stop()))
