from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.errors import UserError
from studio.core.goals import GOALS
from studio.runs.request import Request


def refused(values: dict[str, object], first: Path | None, second: Path | None = None) -> str:
    with pytest.raises(UserError) as error:
        Request.checked(values, first, second, 16)
    return str(error.value)


def test_no_image() -> None:
    assert refused({"prompt": "red hair"}, None).startswith("There is no image yet")


@pytest.mark.parametrize("prompt", ["", "   ", "\n"])
@pytest.mark.parametrize("loss", sorted(goal.name for goal in GOALS.values() if "prompt" in goal.requires))
def test_an_empty_prompt(face: Path, loss: str, prompt: str) -> None:
    assert refused({"loss": loss, "prompt": prompt}, face).startswith("The prompt is empty")


def test_an_empty_start_text_of_a_direction(face: Path) -> None:
    sentence = refused({"loss": "clip_directional", "prompt": "red hair", "source_text": " "}, face)
    assert sentence.startswith("The picture description is empty")


@pytest.mark.parametrize("loss", sorted(goal.name for goal in GOALS.values() if "second_picture" in goal.requires))
def test_a_missing_second_picture(face: Path, loss: str) -> None:
    assert refused({"loss": loss}, face) == GOALS[loss].second_missing
    assert "upload one" in GOALS[loss].second_missing


def test_a_broken_second_picture_is_named_as_such(face: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("not a picture")
    assert refused({"loss": "identity"}, face, tmp_path / "broken.png").startswith("Second picture: This file cannot")


def test_steps_out_of_range(face: Path) -> None:
    assert refused({"prompt": "red hair", "sampling_steps": 1000}, face).startswith("Sampling steps: ")


def test_a_second_picture_that_is_not_needed_is_left_out(face: Path, request_for: Callable[..., Request]) -> None:
    assert request_for(second=face, loss="clip_text").second is None
    assert request_for(second=face, loss="morph").second is not None
