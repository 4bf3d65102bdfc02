import hashlib
from pathlib import Path

import pytest

from studio.core.checksums import BrokenWeights, listed_checksums, verify
from studio.models.embedded import WEIGHTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files and their card."""
    lines = []
    for name in ("a/weights.safetensors", "b/weights.safetensors"):
        data = name.encode() * 1000
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(data)
        lines.append(f"| {name} | {len(data)} | `{hashlib.sha256(data).hexdigest()}` |")
    (tmp_path / "README.md").write_text("# A card\n\n" + "\n".join(lines) + "\n")
    return tmp_path


def refused(folder: Path) -> str:
    with pytest.raises(BrokenWeights) as caught:
        verify(folder)
    assert str(folder) not in str(caught.value)
    return str(caught.value)


def test_whole_weights_are_counted(folder: Path) -> None:
    assert verify(folder) == 2


def test_a_flipped_bit_is_found(folder: Path) -> None:
    path = folder / "b/weights.safetensors"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    assert refused(folder).startswith("The embedded model cannot be used: b/weights.safetensors is not the file that")


def test_a_truncated_file_is_found(folder: Path) -> None:
    path = folder / "a/weights.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert "a/weights.safetensors is not the file" in refused(folder)


def test_a_missing_file_and_a_missing_card_are_named(folder: Path) -> None:
    (folder / "a/weights.safetensors").unlink()
    assert "a/weights.safetensors is missing; get the repository's" in refused(folder)
    (folder / "README.md").write_text("nothing")
    assert "names no weights" in refused(folder)
    (folder / "README.md").unlink()
    assert "the model card is missing" in refused(folder)


def test_the_weights_that_ship_are_listed() -> None:
    there = {path.relative_to(WEIGHTS).as_posix() for path in WEIGHTS.rglob("*.safetensors")}
    assert set(listed_checksums(WEIGHTS)) == there
