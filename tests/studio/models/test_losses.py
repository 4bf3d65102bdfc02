import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from losses.faces.load import DEFAULT_FOLDER
from losses.open_clip_models import ON_CPU, ON_GPU, Towers
from studio.core.errors import UserError
from studio.models import losses as module
from studio.models.losses import load_loss_networks
from tests.losses.faces.networks import small, write


def test_missing_networks_have_a_reason_and_no_error(tmp_path: Path) -> None:
    found = load_loss_networks(torch.device("cpu"), clip=str(tmp_path), faces=tmp_path, offline=True)
    assert found.clip is found.tokenizer is found.identity is None
    assert "has no open_clip_config.json" in found.missing["clip"]
    assert "--clip" in found.missing["clip"]
    assert "--faces" in found.missing["identity"]


def test_errors_of_the_operating_system_are_only_logged(
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
    with pytest.raises(UserError, match="cannot be loaded: its files cannot be read") as error:
        load_loss_networks(torch.device("cpu"), held_out=[tmp_path])
    assert "secret" not in str(error.value)


def test_the_face_network_that_ships_is_the_default() -> None:
    identity = load_loss_networks(torch.device("cpu"), clip="none", offline=True).identity
    assert identity.thresholds
    assert not identity.training


def test_the_default_clip_depends_on_the_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
            thresholds = {"thresholds": {"fmr_1_percent": 0.3, "fmr_0.1_percent": 0.5}}
            path.with_suffix(".json").write_text(json.dumps(thresholds))
        return path

    return make


@pytest.mark.slow
def test_face_networks_may_be_onnx_files(onnx_file: Callable[..., Path]) -> None:
    paths = [onnx_file("second", 1), onnx_file("third", 2)]
    found = load_loss_networks(torch.device("cpu"), clip="none", faces=onnx_file("first"), offline=True, held_out=paths)
    assert found.identity.thresholds == {"fmr_1_percent": 0.3, "fmr_0.1_percent": 0.5}
    assert list(found.held_out) == ["second", "third"]
    assert not any(p.requires_grad for network in found.held_out.values() for p in network.parameters())


def test_the_face_network_that_ships_can_be_held_out(onnx_file: Callable[..., Path]) -> None:
    found = load_loss_networks(
        torch.device("cpu"), clip="none", faces=onnx_file("first"), offline=True, held_out=[DEFAULT_FOLDER]
    )
    assert list(found.held_out) == ["faces"]


@pytest.mark.slow
def test_a_held_out_network_must_differ_from_the_others(onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    cpu, copy = torch.device("cpu"), onnx_file("copy")
    with pytest.raises(UserError, match=r"“copy.onnx” has the same weights as the network of the loss"):
        load_loss_networks(cpu, clip="none", faces=onnx_file("first"), offline=True, held_out=[copy])
    with pytest.raises(UserError, match=r"has the same weights as the network of the loss"):
        load_loss_networks(cpu, clip="none", offline=True, held_out=[DEFAULT_FOLDER])
    with pytest.raises(UserError, match=r"same weights as the held-out network “copy”"):
        load_loss_networks(cpu, clip="none", offline=True, held_out=[copy, onnx_file("again")])


def test_a_held_out_network_without_thresholds_is_refused(onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"“plain.onnx” has no thresholds: write them into “plain.json”"):
        load_loss_networks(
            torch.device("cpu"), clip="none", offline=True, held_out=[onnx_file("plain", thresholds=False)]
        )
    with pytest.raises(UserError, match=r"“nowhere.onnx” cannot be loaded: there is no file nowhere.onnx"):
        load_loss_networks(torch.device("cpu"), clip="none", offline=True, held_out=[tmp_path / "nowhere.onnx"])


def test_a_damaged_onnx_file_is_the_reason_for_a_missing_network(tmp_path: Path) -> None:
    pytest.importorskip("onnx2torch", reason="the extra onnx is not installed")
    (tmp_path / "broken.onnx").write_bytes(b"\xff\xfe")
    found = load_loss_networks(torch.device("cpu"), clip="none", faces=tmp_path / "broken.onnx", offline=True)
    assert found.identity is None
    assert "broken.onnx is not an ONNX file" in found.missing["identity"]


def towers(name: str, device: torch.device, offline: bool) -> Towers:
    """A stand-in for every CLIP but one."""
    if name == "broken/weights":
        raise ValueError("open_clip has no architecture 'broken'")
    return Towers(name, offline, name)  # type: ignore[arg-type]


def test_the_held_out_clip_is_another_one_from_the_local_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_clip", towers)
    found = load_loss_networks(torch.device("cpu"))
    assert (found.clip, found.second) == (ON_CPU, Towers(ON_GPU, True, ON_GPU))  # type: ignore[arg-type]
    other = load_loss_networks(torch.device("cpu"), clip="a/b", held_out_clip="c/d")
    assert other.second is not None
    assert other.second.name == "c/d"


def test_a_held_out_clip_that_is_named_has_to_be_another_one_that_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_clip", towers)
    with pytest.raises(UserError, match="The held-out CLIP “a/b” is that of the loss: name another one"):
        load_loss_networks(torch.device("cpu"), clip="a/b", held_out_clip="a/b")
    with pytest.raises(UserError, match="The held-out CLIP cannot be loaded: open_clip has no architecture 'broken'"):
        load_loss_networks(torch.device("cpu"), held_out_clip="broken/weights")
