from pathlib import Path

import pytest
import torch

from studio.models import judges as module
from studio.models.judges import load_judges


def test_what_is_not_there_is_said_and_nothing_fails(tmp_path: Path) -> None:
    found = load_judges(torch.device("cpu"), clip=str(tmp_path), faces=tmp_path, offline=True)
    assert found.clip is found.tokenizer is found.identity is None
    assert "has no open_clip_config.json" in found.missing["clip"]
    assert "--clip" in found.missing["clip"]
    assert "--faces" in found.missing["identity"]


def test_the_studios_own_face_network_is_used_by_default() -> None:
    pytest.importorskip("losses.faces")
    identity = load_judges(torch.device("cpu"), clip="none", offline=True).identity
    assert identity.thresholds
    assert not identity.training


def test_clip_is_chosen_by_the_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def refuse(name: str, device: torch.device, offline: bool) -> None:
        asked.append(name)
        raise FileNotFoundError("not here")

    monkeypatch.setattr(module, "load_clip", refuse)
    for device in ("cpu", "meta"):
        load_judges(torch.device(device), faces=tmp_path)
    assert asked == ["MobileCLIP2-S0/dfndr2b", "ViT-B-32/laion2b_s34b_b79k"]
