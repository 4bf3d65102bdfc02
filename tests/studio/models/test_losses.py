import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from losses.faces.load import DEFAULT_FOLDER
from studio.core.errors import UserError
from studio.models import losses as module
from studio.models.losses import load_loss_networks
from tests.losses.faces.networks import small, write


def test_what_is_not_there_is_said_and_nothing_fails(tmp_path: Path) -> None:
    found = load_loss_networks(torch.device("cpu"), clip=str(tmp_path), faces=tmp_path, offline=True)
    assert found.clip is found.tokenizer is found.identity is None
    assert "has no open_clip_config.json" in found.missing["clip"]
    assert "--clip" in found.missing["clip"]
    assert "--faces" in found.missing["identity"]


def test_what_the_system_says_of_a_file_is_for_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/home/somebody/secret")

    monkeypatch.setattr(module, "load_clip", refuse)
    monkeypatch.setattr(module, "load_face_network", refuse)
    found = load_loss_networks(torch.device("cpu"), faces=tmp_path)
    assert set(found.missing) == {"clip", "identity"}
    for sentence in found.missing.values():
        assert sentence.startswith("its files cannot be read; ")
        assert "secret" not in sentence
    assert "secret" in caplog.text
    with pytest.raises(UserError, match="cannot be loaded: its files cannot be read") as told:
        load_loss_networks(torch.device("cpu"), measuring=[tmp_path])
    assert "secret" not in str(told.value)


def test_the_studios_own_face_network_is_used_by_default() -> None:
    identity = load_loss_networks(torch.device("cpu"), clip="none", offline=True).identity
    assert identity.thresholds
    assert not identity.training


def test_clip_is_chosen_by_the_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def refuse(name: str, device: torch.device, offline: bool) -> None:
        asked.append(name)
        raise FileNotFoundError("not here")

    monkeypatch.setattr(module, "load_clip", refuse)
    for device in ("cpu", "meta"):
        load_loss_networks(torch.device(device), faces=tmp_path)
    assert asked == ["MobileCLIP2-S0/dfndr2b", "ViT-B-32/laion2b_s34b_b79k"]


@pytest.fixture
def onnx_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small face network: (name, seed, thresholds or not) -> path."""
    pytest.importorskip("onnx2torch", reason="the extra onnx is not installed")

    def make(name: str, seed: int = 0, thresholds: bool = True) -> Path:
        path = write(small(seed), tmp_path / f"{name}.onnx")
        if thresholds:
            told = {"thresholds": {"fmr_1_percent": 0.3, "fmr_0.1_percent": 0.5}}
            path.with_suffix(".json").write_text(json.dumps(told))
        return path

    return make


def test_a_face_network_may_be_an_onnx_file_and_judges_others(onnx_file: Callable[..., Path]) -> None:
    paths = [onnx_file("second", 1), onnx_file("third", 2)]
    found = load_loss_networks(
        torch.device("cpu"), clip="none", faces=onnx_file("first"), offline=True, measuring=paths
    )
    assert found.identity.thresholds == {"fmr_1_percent": 0.3, "fmr_0.1_percent": 0.5}
    assert list(found.measuring) == ["second", "third"]
    assert not any(p.requires_grad for judge in found.measuring.values() for p in judge.parameters())


def test_the_studios_own_network_can_be_the_judge(onnx_file: Callable[..., Path]) -> None:
    found = load_loss_networks(
        torch.device("cpu"), clip="none", faces=onnx_file("first"), offline=True, measuring=[DEFAULT_FOLDER]
    )
    assert list(found.measuring) == ["faces"]


def test_a_judge_must_be_another_network(onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    cpu, copy = torch.device("cpu"), onnx_file("copy")
    with pytest.raises(UserError, match=r"“copy.onnx” has the same weights as the network of the loss"):
        load_loss_networks(cpu, clip="none", faces=onnx_file("first"), offline=True, measuring=[copy])
    with pytest.raises(UserError, match=r"has the same weights as the network of the loss"):
        load_loss_networks(cpu, clip="none", offline=True, measuring=[DEFAULT_FOLDER])
    with pytest.raises(UserError, match=r"same weights as the judge “copy”"):
        load_loss_networks(cpu, clip="none", offline=True, measuring=[copy, onnx_file("again")])


def test_a_judge_that_cannot_judge_is_refused(onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"“plain.onnx” has no thresholds: write them into “plain.json”"):
        load_loss_networks(
            torch.device("cpu"), clip="none", offline=True, measuring=[onnx_file("plain", thresholds=False)]
        )
    with pytest.raises(UserError, match=r"“nowhere.onnx” cannot be loaded: there is no file nowhere.onnx"):
        load_loss_networks(torch.device("cpu"), clip="none", offline=True, measuring=[tmp_path / "nowhere.onnx"])


def test_what_is_wrong_with_an_onnx_file_is_said_where_a_face_is_needed(tmp_path: Path) -> None:
    pytest.importorskip("onnx2torch", reason="the extra onnx is not installed")
    (tmp_path / "broken.onnx").write_bytes(b"\xff\xfe")
    found = load_loss_networks(torch.device("cpu"), clip="none", faces=tmp_path / "broken.onnx", offline=True)
    assert found.identity is None
    assert "broken.onnx is not an ONNX file" in found.missing["identity"]
