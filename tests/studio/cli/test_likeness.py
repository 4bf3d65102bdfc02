"""`python -m studio.cli likeness`, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.cli import main
from tests.losses.faces.pictures import noise
from tests.studio.images import portraits

pytestmark = pytest.mark.slow  # the renderer is compiled once


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("studio.cli.main._cancel_on_interrupt", lambda cancel: None)
    portraits.portrait().save("me.jpg", quality=95)
    Image.fromarray(noise()).save("noise.png")


def run(*words: str) -> int:
    return main.main(["likeness", *words])


def pixels(name: str) -> bytes:
    with Image.open(name) as image:
        return image.tobytes()


def test_the_face_is_written_in_the_size_asked_for(capsys: Any) -> None:
    assert run("me.jpg", "--out", "face.png", "--size", "128") == 0
    assert capsys.readouterr().out.strip() == "face.png"
    with Image.open("face.png") as image:
        assert (image.format, image.size) == ("PNG", (128, 128))
    assert run("me.jpg") == 0
    with Image.open("me-clay.png") as image:
        assert image.size == (64, 64)
        assert not image.info


def test_candidates_and_values_by_hand_change_the_face() -> None:
    assert run("me.jpg", "--out", "1.png") == 0
    assert run("me.jpg", "--out", "2.png", "--candidate", "2") == 0
    assert run("me.jpg", "--out", "3.png", "--set", "hat=yes", "--set", "skin=4.5") == 0
    assert len({pixels(f"{k}.png") for k in (1, 2, 3)}) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("noise.png",), "No face was found"),
        (("gone.png",), "gone.png"),
        (("me.jpg", "--face", "4"), "Choose a face from 1 to 1"),
        (("me.jpg", "--set", "skin"), "--set needs NAME=VALUE"),
        (("me.jpg", "--set", "skin=dark"), "skin must be a number"),
        (("me.jpg", "--set", "wig=1"), "no value of a scene"),
    ],
)
def test_mistakes_are_sentences(words: tuple[str, ...], message: str, capsys: Any) -> None:
    assert run(*words) == 1
    assert message in capsys.readouterr().err
