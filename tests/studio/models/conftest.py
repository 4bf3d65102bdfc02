"""Tiny random-weight copies of the public models, made once a session, and loss networks of their size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.settings import Settings
from studio.export.metadata import read_settings, record, to_png
from studio.models.interface import Model
from studio.models.losses import LossNetworks
from studio.runs.events import Outcome
from tests.stub import stub
from tests.tiny_models.make import make


@pytest.fixture(scope="session")
def tiny_copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name of a model -> folder of its tiny copy."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = make(name, tmp_path_factory.mktemp("tiny"))
        return made[name]

    return folder


@pytest.fixture(scope="session")
def loss_networks() -> LossNetworks:
    whole = stub()
    return LossNetworks(whole.clip, whole.tokenizer, whole.identity)


@pytest.fixture
def saved_settings(tmp_path: Path) -> Callable[[Outcome, Model], Settings]:
    """Saves a run as PNG and reads its settings back."""

    def save(outcome: Outcome, model: Model) -> Settings:
        path = tmp_path / "steered.png"
        path.write_bytes(to_png(outcome.after, record(outcome, model)))
        return read_settings(path)

    return save
