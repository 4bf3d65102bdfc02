import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest

from studio.messages import UserError
from studio.models.registry import ENTRIES
from studio.models.source import cached, find, fingerprint, is_offline

LDM = ENTRIES["ldm-celebahq"]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub._snapshot_download.constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("way", ["switch", "variable"])
def test_offline_answers_at_once(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    began = time.perf_counter()
    with pytest.raises(UserError, match=r"“Latent diffusion, CelebA-HQ” cannot be loaded: .* the studio is offline"):
        find(LDM, offline=way == "switch")
    assert time.perf_counter() - began < 2


def test_the_variable_counts_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert not is_offline()
    monkeypatch.setenv("HF_HUB_OFFLINE", "true")
    assert is_offline()


def test_what_is_in_the_cache_is_found_without_asking(empty_cache: Path) -> None:
    assert cached(LDM) is None
    commit = "c0" * 20
    repo = empty_cache / ("models--" + LDM.repo.replace("/", "--"))
    weights = repo / "snapshots" / commit / "unet" / "diffusion_pytorch_model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    assert cached(LDM) == repo / "snapshots" / commit
    assert find(LDM, offline=True) == repo / "snapshots" / commit


def test_only_what_cannot_run_code_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, object] = {}

    def snapshot(repo: str, **how: object) -> str:
        asked.update(how, repo=repo)
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    find(ENTRIES["sd-1.5"])
    patterns = asked["allow_patterns"]
    assert isinstance(patterns, list)
    assert {Path(pattern).suffix for pattern in patterns} == {".json", ".txt", ".model", ".safetensors"}
    # files of whole pipelines lie beside the folders, gigabytes that nobody reads
    assert "*.safetensors" not in patterns
    assert asked["repo"] == "stable-diffusion-v1-5/stable-diffusion-v1-5"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (huggingface_hub.errors.GatedRepoError, "wants the licence accepted first"),
        (huggingface_hub.errors.RepositoryNotFoundError, "knows no such model"),
        (ConnectionError, "the hub does not answer"),
    ],
)
def test_every_refusal_of_the_hub_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], sentence: str
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise error.__new__(error)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(UserError, match=sentence):
        find(LDM)


def test_what_is_not_on_the_hub_says_where_it_comes_from() -> None:
    with pytest.raises(UserError, match=r"not on the hub: Its authors' last\.ckpt becomes a folder"):
        find(ENTRIES["diffae-ffhq"])


def test_the_fingerprint_takes_the_caches_word_for_a_hash(tmp_path: Path) -> None:
    """A blob of the hub's cache is named by its SHA-256, so linked and plain files give one fingerprint."""
    content = b"numbers"
    plain, linked, blob = tmp_path / "a", tmp_path / "b", tmp_path / hashlib.sha256(content).hexdigest()
    for folder in (plain, linked):
        folder.mkdir()
    (plain / "model.safetensors").write_bytes(content)
    blob.write_bytes(content)
    (linked / "model.safetensors").symlink_to(blob)
    assert fingerprint(plain) == fingerprint(linked)
    (plain / "model.safetensors").write_bytes(content + b"!")
    assert fingerprint(plain) != fingerprint(linked)


def test_a_folder_is_its_own_source(twin: Callable[[str], Path]) -> None:
    from studio.models.recognise import recognise

    folder = twin("ldm-celebahq")
    assert find(recognise(folder), offline=True) == cached(recognise(folder)) == folder
