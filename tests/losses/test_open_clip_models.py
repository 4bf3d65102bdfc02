import json
import shutil
import time
from pathlib import Path

import huggingface_hub
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from losses.clip import ClipText
from losses.open_clip_models import ON_CPU, ON_GPU, default_clip, load_clip

CONFIG = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 16, "layers": 1, "width": 16, "head_width": 8, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP model with a few thousand parameters, in the layout of the hub."""
    place = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    clip = open_clip.CLIP(**dict(CONFIG.items()))
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    (place / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG, "preprocess_cfg": preprocess}))
    save_file(
        {name: value.contiguous() for name, value in clip.state_dict().items()}, place / "open_clip_model.safetensors"
    )
    return place


def test_losses_accept_the_model_of_a_folder(folder: Path) -> None:
    towers = load_clip(str(folder))
    loss = ClipText(towers.clip, towers.tokenizer, "a face with red hair")
    image = torch.zeros(1, 3, 20, 20, requires_grad=True)
    loss(image).sum().backward()
    assert image.grad.abs().max() > 0
    assert not any(p.requires_grad for p in towers.clip.parameters())
    assert tuple(towers.clip.visual.image_mean) == (0.5, 0.5, 0.5)


def test_the_weights_are_those_of_the_folder(folder: Path) -> None:
    first, again = (load_clip(str(folder)).clip.state_dict() for _ in range(2))
    assert all(torch.equal(value, again[name]) for name, value in first.items())


def test_a_folder_without_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_bytes((folder / "open_clip_config.json").read_bytes())
    with pytest.raises(FileNotFoundError, match=r"has no open_clip_model\.safetensors"):
        load_clip(str(tmp_path))


@pytest.mark.parametrize("name", ["open_clip_config.json", "open_clip_model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff" * 64, b"version https://git-lfs", b"[" * 90_000])
def test_the_message_for_a_damaged_folder_has_no_path(folder: Path, tmp_path: Path, name: str, content: bytes) -> None:
    shutil.copytree(folder, tmp_path / "mine")
    (tmp_path / "mine" / name).write_bytes(content)
    with pytest.raises(ValueError, match="the files of mine are damaged") as error:
        load_clip(str(tmp_path / "mine"))
    assert str(tmp_path) not in str(error.value)


def test_weights_that_are_not_finite_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "mine")
    path = tmp_path / "mine" / "open_clip_model.safetensors"
    tensors = load_file(path)
    next(value for value in tensors.values() if value.is_floating_point()).fill_(float("nan"))
    save_file(tensors, path)
    with pytest.raises(ValueError, match="not finite"):
        load_clip(str(tmp_path / "mine"))


def test_names_are_checked_before_a_download() -> None:
    with pytest.raises(ValueError, match="has no architecture 'ViT-Z'"):
        load_clip("ViT-Z/laion2b_s34b_b79k")
    with pytest.raises(ValueError, match="ViT-B-32 has no weights 'laion'; choose one of openai"):
        load_clip("ViT-B-32/laion")


def test_the_default_names_exist_in_open_clip() -> None:
    assert (default_clip(torch.device("cpu")), default_clip(torch.device("cuda"))) == (ON_CPU, ON_GPU)
    for name in (ON_CPU, ON_GPU):
        architecture, _, weights = name.partition("/")
        assert weights in open_clip.list_pretrained_tags_by_model(architecture)


def test_offline_fails_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.file_download.constants, "HF_HUB_CACHE", str(tmp_path))
    began = time.perf_counter()
    with pytest.raises(FileNotFoundError, match="the weights of ViT-B-32/laion2b_s34b_b79k are not in the local cache"):
        load_clip(ON_GPU, offline=True)
    assert time.perf_counter() - began < 10  # the hub's own client would try for half a minute
