"""Tiny random-weight copies of the public models, made once a session, and loss networks of their size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.models.losses import LossNetworks
from tests.stub import stub
from tests.twins.make import make


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name of a model -> folder of its tiny copy."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = make(name, tmp_path_factory.mktemp("twin"))
        return made[name]

    return folder


@pytest.fixture(scope="session")
def loss_networks() -> LossNetworks:
    whole = stub()
    return LossNetworks(whole.clip, whole.tokenizer, whole.identity)
