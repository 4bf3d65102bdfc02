import json
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.cancellation import CancelToken
from studio.core.settings import parse
from studio.export.recordings import FOLDER, PLANS, RecordingPlan, load, write
from studio.models.embedded import examples
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.steer import steer


@pytest.fixture
def outcome(model: Model, request_for: Callable[..., Request], cancel_token: CancelToken) -> Outcome:
    *_, last = steer(model, request_for(optimisation_steps=9), cancel_token)
    assert isinstance(last, Outcome)
    return last


def test_a_recording_equals_its_run(outcome: Outcome, model: Model, tmp_path: Path) -> None:
    write("red", RecordingPlan("red hair", "3-blonde-curls", {}), outcome, model, tmp_path)
    (found,) = load(tmp_path)
    assert (found.name, found.title, found.image, found.second) == ("red", "red hair", "3-blonde-curls", None)
    assert found.digest == model.digest
    again = found.outcome
    assert again.settings == outcome.settings
    assert again.curve == outcome.curve
    assert again.best == outcome.best
    assert again.round_trip == outcome.round_trip
    assert [frame.tobytes() for frame in again.frames] == [frame.tobytes() for frame in outcome.frames]
    assert again.before.tobytes() == outcome.before.tobytes()
    assert again.after.tobytes() == outcome.after.tobytes()
    assert again.path is not None
    assert outcome.path is not None
    assert again.path.noise == outcome.path.noise
    assert len(again.path.states) == len(outcome.path.states)


def test_a_folder_may_have_no_recordings(tmp_path: Path) -> None:
    assert load(tmp_path / "nothing") == []


def test_every_plan_has_valid_settings_and_existing_images() -> None:
    there = {path.stem for path in examples()}
    for plan in PLANS.values():
        settings = parse(plan.settings)
        assert settings.needs_second_picture == (plan.second is not None)
        assert {plan.image, plan.second or plan.image} <= there


def test_the_recordings_that_ship_are_complete_and_small() -> None:
    found = load()
    assert [one.name for one in found] == list(PLANS)
    for one in found:
        assert len(one.outcome.frames) == len(one.outcome.curve)
        assert one.outcome.settings.model_dump().items() >= PLANS[one.name].settings.items()
        assert one.outcome.best.total < one.outcome.curve[0].total
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2_500_000
    assert "licence" in (FOLDER / "README.md").read_text(encoding="utf-8").lower()


def test_files_name_no_machine() -> None:
    for path in FOLDER.glob("*.json"):
        assert set(json.loads(path.read_text(encoding="utf-8"))["software"]) == {
            "adjointdeis-studio",
            "torch",
            "diffusers",
        }
