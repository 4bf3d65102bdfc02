import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest

from studio.core.checksums import fingerprint
from studio.core.errors import UserError
from studio.models.catalogue import hub
from studio.models.catalogue.hub import cached_folder, commit_of, is_offline, model_folder, select_files, variant_of
from studio.models.catalogue.registry import ENTRIES

LDM = ENTRIES["ldm-celebahq"]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub._snapshot_download.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "hub_is_reachable", lambda: True)
    return tmp_path


def test_without_the_hub_only_the_cache_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "hub_is_reachable", lambda: False)
    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", lambda *_, **__: pytest.fail("asked the network"))
    with pytest.raises(UserError, match="the hub does not answer; check the network, or give a folder"):
        model_folder(LDM)


@pytest.mark.parametrize("way", ["switch", "variable"])
def test_offline_fails_at_once(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    began = time.perf_counter()
    with pytest.raises(UserError, match=r"“Latent diffusion, CelebA-HQ” cannot be loaded: .* the studio is offline"):
        model_folder(LDM, offline=way == "switch")
    assert time.perf_counter() - began < 10  # the hub's own client tries for half a minute


def test_the_environment_variable_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert not is_offline()
    monkeypatch.setenv("HF_HUB_OFFLINE", "true")
    assert is_offline()


def test_the_cache_is_searched_without_a_network(empty_cache: Path) -> None:
    assert cached_folder(LDM) is None
    commit = "c0" * 20
    repo = empty_cache / ("models--" + LDM.repo.replace("/", "--"))
    weights = repo / "snapshots" / commit / "unet" / "diffusion_pytorch_model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    assert cached_folder(LDM) == repo / "snapshots" / commit
    assert model_folder(LDM, offline=True) == repo / "snapshots" / commit
    assert commit_of(model_folder(LDM, offline=True)) == commit


def test_a_local_folder_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path / "snapshots" / "main") == commit_of(tmp_path / ("c0" * 20)) == ""


def test_no_pickles_and_one_variant_of_the_weights_are_selected() -> None:
    files = [
        "model_index.json",
        "v1-5-pruned-emaonly.safetensors",  # a whole pipeline in one file is not needed
        "unet/config.json",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.non_ema.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors",
        "text_encoder/model.bf16-00001-of-00002.safetensors",
        "text_encoder/model.bf16-00002-of-00002.safetensors",
        "text_encoder/model.safetensors.index.bf16.json",
        "tokenizer/merges.txt",
        "tokenizer/tokenizer.model",
        "safety_checker/model.safetensors",
        "unet/run.py",
    ]
    assert select_files(files, "pipeline") == [files[k] for k in (0, 2, 10, 11, 12, 4, 7, 8, 9)]


def test_a_pixel_models_weights_are_at_the_top_of_its_folder() -> None:
    files = ["config.json", "diffusion_pytorch_model.bin", "diffusion_pytorch_model.safetensors", "unet/config.json"]
    assert select_files(files, "unconditional") == [files[0], files[2]]


def test_only_selected_files_are_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, object] = {}

    def snapshot(repo: str, **how: object) -> str:
        asked.update(how, repo=repo)
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", lambda *_, **__: ["unet/config.json", "unet/x.bin"])
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert model_folder(ENTRIES["sd-1.5"]) == tmp_path
    assert asked["allow_patterns"] == ["unet/config.json"]
    assert asked["repo"] == "stable-diffusion-v1-5/stable-diffusion-v1-5"


def test_the_plain_variant_is_preferred(tmp_path: Path) -> None:
    (tmp_path / "diffusion_pytorch_model.fp16.safetensors").touch()
    assert variant_of(tmp_path) == "fp16"
    (tmp_path / "diffusion_pytorch_model.safetensors").touch()
    assert variant_of(tmp_path) is None


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (huggingface_hub.errors.GatedRepoError, "its licence has to be accepted first"),
        (huggingface_hub.errors.RepositoryNotFoundError, "the hub has no such model"),
        (ConnectionError, "the hub does not answer"),
    ],
)
def test_every_error_of_the_hub_has_a_message(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], sentence: str
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise error.__new__(error)

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", refuse)
    with pytest.raises(UserError, match=sentence):
        model_folder(LDM)


def test_a_model_that_is_not_on_the_hub_has_a_cure() -> None:
    with pytest.raises(UserError, match=r"not on the hub: Its authors' last\.ckpt becomes a folder"):
        model_folder(ENTRIES["diffae-ffhq"])


def test_the_fingerprint_reads_hashes_from_the_names_of_the_cache(tmp_path: Path) -> None:
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


def test_a_local_folder_is_used_in_place(tiny_copy: Callable[[str], Path]) -> None:
    from studio.models.catalogue.detect import detect_entry

    folder = tiny_copy("ldm-celebahq")
    assert model_folder(detect_entry(folder), offline=True) == cached_folder(detect_entry(folder)) == folder
