import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from losses.faces.load import DEFAULT_FOLDER
from studio.core.checksums import CURE, CURE_FACES
from studio.models.embedded import WEIGHTS
from studio.server import doctor as checks
from studio.server.doctor import browser_assets, check, device, free_port, memory, weights
from studio.ui.presenting import ASSETS


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_this_checkout_is_fine() -> None:
    findings = list(check("127.0.0.1", None))
    assert [finding.name for finding in findings] == [
        "device",
        "weights",
        "faces",
        "memory",
        "port",
        "browser",
        "examples",
    ]
    for finding in findings:
        assert finding.fine or finding.name == "memory", finding


def test_every_failure_comes_with_a_cure(taken: int, tmp_path: Path) -> None:
    for finding in (
        weights("weights", tmp_path, CURE),
        memory(1000),
        free_port("127.0.0.1", taken),
        browser_assets(tmp_path),
    ):
        assert not finding.fine
        assert finding.cure in str(finding).splitlines()[1]
        assert finding.cure


def test_weights_are_compared_with_the_model_card(tmp_path: Path) -> None:
    folder = tmp_path / "clay"
    (folder / "convolutional").mkdir(parents=True)
    shutil.copy(WEIGHTS / "README.md", folder)
    assert "is missing" in weights("weights", folder, CURE).found
    for path in WEIGHTS.rglob("*.safetensors"):
        target = folder / path.relative_to(WEIGHTS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    assert weights("weights", folder, CURE).fine
    content = (folder / "convolutional" / "model.safetensors").read_bytes()
    (folder / "convolutional" / "model.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert (
        weights("weights", folder, CURE).found
        == "convolutional/model.safetensors is not the file that the model card describes"
    )


def test_face_networks_are_compared_with_the_list_beside_them(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    shutil.copytree(DEFAULT_FOLDER, folder)
    assert weights("faces", folder, CURE_FACES).fine
    content = bytearray((folder / "detector" / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "detector" / "model.safetensors").write_bytes(content)
    assert "detector/model.safetensors is not the file" in weights("faces", folder, CURE_FACES).found


def test_a_card_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"\xff\xfe\xff")
    assert not weights("weights", tmp_path, CURE).fine


def test_a_card_without_hashes_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# A card\n")
    assert not weights("weights", tmp_path, CURE).fine


def test_memory_is_that_of_the_machine_within_the_limit_of_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.psutil, "virtual_memory", lambda: SimpleNamespace(available=checks.NEEDED))
    assert memory(None).fine
    assert memory(checks.NEEDED).fine
    assert not memory(checks.NEEDED - 1).fine
    monkeypatch.setattr(checks.psutil, "virtual_memory", lambda: SimpleNamespace(available=checks.NEEDED - 1))
    assert not memory(None).fine
    assert not memory(checks.NEEDED).fine


def test_a_taken_port_is_skipped_unless_it_was_given(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PORTS", range(taken, taken + 50))
    found = free_port("127.0.0.1", None)
    assert found.fine
    assert f":{taken} " not in found.found
    assert not free_port("127.0.0.1", taken).fine


def test_an_address_of_another_machine_is_refused() -> None:
    assert not free_port("192.0.2.1", 7860).fine


def test_a_device_that_does_not_compute_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*size: int, device: str) -> None:
        raise RuntimeError("no kernel image is available\nwith a long story")

    monkeypatch.setattr(torch, "ones", broken)
    finding = device()
    assert not finding.fine
    assert finding.found == "cpu does not compute: no kernel image is available"


def test_a_missing_style_sheet_is_named(tmp_path: Path) -> None:
    shutil.copytree(ASSETS, tmp_path / "studio")
    assert browser_assets(tmp_path / "studio").fine
    (tmp_path / "studio" / "present.js").unlink()
    assert "present.js is missing" in browser_assets(tmp_path / "studio").found
