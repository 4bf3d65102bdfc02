"""The small model, pictures and requests that the tests of this room share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.core.goals import GOALS
from studio.core.gradients import GRADIENTS
from studio.models.interface import Model
from studio.runs.request import Request
from tests.stub import SIZE, stub
from tests.studio.pictures import save_pictures


@pytest.fixture(scope="session")
def model() -> Model:
    return stub()


@pytest.fixture
def save_picture(tmp_path: Path) -> Callable[..., Path]:
    """Makes files: (name, size, mode, colour) -> path."""

    def save(name: str = "face.png", size: tuple[int, int] = (40, 30), mode: str = "RGB", colour="orange") -> Path:
        path = tmp_path / name
        Image.new(mode, size, colour).save(path)
        return path

    return save


@pytest.fixture
def picture_folder(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a folder of so many different pictures."""

    return lambda count: save_pictures(tmp_path / "pictures", count)


@pytest.fixture
def face(tmp_path: Path) -> Path:
    """A picture with something to see in it."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.randint(0, 256, (8, 8, 3), generator=generator, dtype=torch.uint8).numpy()
    path = tmp_path / "a face.png"
    Image.fromarray(noise).resize((64, 64), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def request_for(face: Path) -> Callable[..., Request]:
    """Makes checked requests: settings as keywords."""

    def make(second: Path | None = None, **settings: object) -> Request:
        quick = {"prompt": "red hair", "sampling_steps": 5, "optimisation_steps": 3}
        return Request.checked({**quick, **settings}, face, second, SIZE)

    return make


@pytest.fixture
def cancel_token(tmp_path: Path) -> CancelToken:
    return CancelToken(tmp_path / "stop")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Writes modules that Python finds: (name, code) -> name. After the test they are gone with all that they added."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for registry in (GOALS, GRADIENTS):
        assert len(registry)  # loads what is built in
        monkeypatch.setattr(registry, "_added", dict(registry._added))

    def write(name: str, code: str) -> str:
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
        monkeypatch.setitem(sys.modules, name, None)  # forgets it afterwards
        del sys.modules[name]
        return name

    return write
