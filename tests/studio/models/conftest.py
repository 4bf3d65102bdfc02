"""Tiny copies of the public models, made once a session, and judges small enough for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.models.losses import LossNetworks
from tests.stub import stub
from tests.tiny_models.make import make


@pytest.fixture(scope="session")
def tiny_copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name of the original -> folder of its tiny copy."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = make(name, tmp_path_factory.mktemp("tiny"))
        return made[name]

    return folder


@pytest.fixture(scope="session")
def held_out() -> LossNetworks:
    whole = stub()
    return LossNetworks(whole.clip, whole.tokenizer, whole.identity)
