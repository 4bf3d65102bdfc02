"""Twins of the public models, made once a session, and judges small enough for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from studio.models.judges import Judges
from studio.stops import Flag
from tests.stub import stub
from tests.twins.make import make


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name of the original -> folder of its twin."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = make(name, tmp_path_factory.mktemp("twin"))
        return made[name]

    return folder


@pytest.fixture(scope="session")
def judges() -> Judges:
    whole = stub()
    return Judges(whole.clip, whole.tokenizer, whole.identity)


@pytest.fixture
def face(tmp_path: Path) -> Path:
    """A picture with something to see in it."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.randint(0, 256, (8, 8, 3), generator=generator, dtype=torch.uint8).numpy()
    path = tmp_path / "a face.png"
    Image.fromarray(noise).resize((64, 64), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def flag(tmp_path: Path) -> Flag:
    return Flag(tmp_path / "stop")
