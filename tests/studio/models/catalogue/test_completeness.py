import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.core.errors import UserError
from studio.models.catalogue.completeness import check_complete, is_complete
from studio.models.catalogue.detect import detect_entry
from studio.models.catalogue.registry import ENTRIES
from studio.models.loading.load import load
from studio.models.losses import LossNetworks
from studio.models.placement.placement import Placement
from tests.tiny_models.make import MAKERS

TinyCopy = Callable[[str], Path]
NAMES = sorted(set(ENTRIES) & set(MAKERS))
COMMIT = "c0" * 20


@pytest.mark.parametrize("name", NAMES)
def test_every_tiny_copy_is_complete(tiny_copy: TinyCopy, name: str) -> None:
    check_complete(ENTRIES[name], tiny_copy(name))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("ldm-celebahq", "vqvae"),
        ("ldm-celebahq", "scheduler"),
        ("ldm-celebahq", "unet"),
        ("sd-1.5", "vae"),
        ("sd-1.5", "scheduler"),
        ("sd-1.5", "text_encoder"),
        ("sd-1.5", "tokenizer"),
        ("dit-imagenet", "vae"),
        ("sana-600m", "vae"),
        ("ddpm-cat", "scheduler_config.json"),
    ],
)
def test_an_interrupted_download_is_not_taken_for_another_model(
    tiny_copy: TinyCopy,
    loss_networks: LossNetworks,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    part: str,
) -> None:
    folder = tmp_path / "snapshots" / COMMIT
    shutil.copytree(tiny_copy(name), folder)
    for found in [folder / part, *folder.glob(f"*/{part}")]:
        if found.is_dir():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)
    assert not is_complete(ENTRIES[name], folder)
    monkeypatch.setattr("studio.models.loading.load.model_folder", lambda entry, offline: folder)
    with pytest.raises(UserError) as error:
        load(name, placement=Placement(torch.device("cpu")), loss_networks=loss_networks)
    assert str(tmp_path) not in str(error.value)
    if part != "unet":
        assert "start it once with a network" in str(error.value)


def test_the_parts_in_the_model_index_are_needed(tiny_copy: TinyCopy, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(tiny_copy("ldm-celebahq"), folder)
    (folder / "model_index.json").write_text('{"_class_name": "X", "vqvae": ["diffusers", "VQModel"], "odd": [1]}')
    shutil.rmtree(folder / "vqvae")
    # without the index it would be detected as a pixel model
    with pytest.raises(UserError, match="without its vqvae: get the folder again"):
        check_complete(detect_entry(folder), folder)


def test_a_missing_shard_is_found(tiny_copy: TinyCopy, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(tiny_copy("sd-1.5"), folder)
    whole = folder / "unet" / "diffusion_pytorch_model.safetensors"
    whole.rename(whole.with_name("diffusion_pytorch_model-00001-of-00003.safetensors"))
    with pytest.raises(UserError, match="“unet” has 1 of its 3 weight files"):
        check_complete(ENTRIES["sd-1.5"], folder)


def test_weights_that_are_not_finite_are_refused(
    tiny_copy: TinyCopy, loss_networks: LossNetworks, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(tiny_copy("ddpm-celebahq"), folder)
    path = folder / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    tensors["conv_out.bias"].fill_(float("inf"))
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"do not fit their config\.json"):
        load(str(folder), placement=Placement(torch.device("cpu")), loss_networks=loss_networks)


def test_a_renamed_entry_is_complete_too(tiny_copy: TinyCopy) -> None:
    entry = replace(ENTRIES["ddpm-cat"], name="mine")
    assert is_complete(entry, tiny_copy("ddpm-cat"))
