"""The command line's flags for photographs, in this process on the stub model."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.cli import main
from studio.export.metadata import read_settings
from studio.export.provenance import SENTENCE
from studio.images.faces import find_faces
from studio.images.framing import ALIGNED
from studio.models.interface import Model
from tests.losses.faces.pictures import EXAMPLES, group, noise

QUICK = ["--set", "optimisation_steps=2", "--set", "sampling_steps=5"]


@pytest.fixture(autouse=True)
def here(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with photographs, and the stub model; the handler of Ctrl-C is restored."""
    monkeypatch.setattr("studio.models.cli.embedded", lambda device, size: model)
    monkeypatch.setattr(main.torch, "set_num_threads", lambda threads: None)
    monkeypatch.chdir(tmp_path)
    Image.fromarray(group()).save("group.png")
    Image.fromarray(noise()).save("noise.png")
    before = signal.getsignal(signal.SIGINT)
    yield tmp_path
    signal.signal(signal.SIGINT, before)


def run(*words: object) -> int:
    return main.main([str(word) for word in words])


def crop_of(path: str, which: str = "crop") -> tuple[float, ...]:
    settings = read_settings(path)
    return tuple(getattr(settings, f"{which}_{name}") for name in ("zoom", "x", "y", "turn"))


@pytest.mark.slow
def test_a_photo_is_cropped_to_a_face_and_written_with_the_result(capsys: Any) -> None:
    found = find_faces("group.png", ALIGNED).found
    words = ("steer", "group.png", "--text", "red hair", *QUICK, "--out", "one.png", "--in-photo", "whole.png")
    words += ("--set", "loss=clip_text", "--set", "closeness=0")
    assert run(*words, "--find-face") == 0
    assert capsys.readouterr().out.split() == ["one.png", "one.json", "one.frames.webp", "whole.png"]
    assert crop_of("one.png") == found[0].crop == crop_of("whole.png")
    with Image.open("whole.png") as whole, Image.open("group.png") as photo:
        assert whole.size == photo.size
        assert whole.info["Description"] == SENTENCE
        assert whole.tobytes() != photo.tobytes()
        assert whole.crop((480, 0, 640, 300)).tobytes() == photo.crop((480, 0, 640, 300)).tobytes()
    assert run(*words, "--find-face", 2) == 0
    assert crop_of("one.png") == found[1].crop
    # the file of a run gives the same crop again without a search
    assert run("steer", "group.png", "--settings", "one.json", "--out", "again.png") == 0
    assert Image.open("again.png").tobytes() == Image.open("one.png").tobytes()


def test_faces_are_searched_on_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.cli.photo.crop_on_face", lambda *_: pytest.fail("a search nobody asked for"))
    assert run("steer", "group.png", "--text", "red hair", *QUICK, "--out", "plain.png") == 0
    assert crop_of("plain.png") == (1, 0, 0, 0)


def test_both_pictures_of_a_morph_are_cropped() -> None:
    assert run("morph", "group.png", "group.png", *QUICK, "--find-face", 2, "--out", "both.png") == 0
    found = find_faces("group.png", ALIGNED).found
    assert crop_of("both.png") == found[1].crop
    assert crop_of("both.png", "second") == found[0].crop


@pytest.mark.slow
def test_errors_are_reported_before_the_run(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "steer", lambda *_: pytest.fail("ran"))
    text = ("--text", "red hair", *QUICK)
    for words, sentence in (
        (("steer", "noise.png", *text, "--find-face"), "No face was found in this picture"),
        (("steer", "group.png", *text, "--find-face", "--second", "noise.png"), "Second picture: No face was found"),
        (("steer", "group.png", *text, "--find-face", 9), "9 was asked for"),
        (("steer", EXAMPLES / "6-glasses.png", *text, "--in-photo", "x.png"), "no photo around the result"),
    ):
        assert run(*words) == 1
        assert sentence in " ".join(capsys.readouterr().err.split())
    assert not Path("x.png").exists()
