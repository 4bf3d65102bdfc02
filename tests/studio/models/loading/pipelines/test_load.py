import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.core.errors import UserError
from studio.models.loading.pipelines.load import load_pipeline

pytest.importorskip("transformers")
TinyCopy = Callable[[str], Path]


@pytest.fixture
def mine(tiny_copy: TinyCopy, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    folder = tmp_path / "mine"
    shutil.copytree(tiny_copy("sd-1.5"), folder)
    return folder


def changed_index(folder: Path, **changes: Any) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def changed_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    path = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def test_all_parts_are_loaded_in_their_precision_without_the_safety_checker(mine: Path) -> None:
    pipe = load_pipeline(mine, torch.float64)
    assert {part.dtype for part in (pipe.unet, pipe.text_encoder)} == {torch.float64}
    assert pipe.vae.dtype == torch.float32
    assert pipe.safety_checker is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"_class_name": "HomeMadePipeline"}, "The class of this pipeline, HomeMadePipeline, is none of diffusers"),
        ({"_class_name": ["my_code", "Pipe"]}, r"The class of this pipeline, \['my_code', 'Pipe'\], is none"),
        ({"_class_name": "UNet2DModel"}, "is none of diffusers"),
        ({"unet": ["my_code", "MyUNet"]}, "The pipeline's part unet is from my_code: only diffusers and"),
    ],
)
def test_no_code_from_the_folder_is_run(mine: Path, changes: dict[str, Any], message: str) -> None:
    (mine / "my_code.py").write_text("raise SystemExit('code of the folder was run')")
    changed_index(mine, **changes)
    with pytest.raises(UserError, match=message):
        load_pipeline(mine)


def test_missing_weights_of_a_text_encoder_are_refused(mine: Path) -> None:
    changed_weights(mine, lambda tensors: tensors.pop(next(name for name in tensors if "final_layer_norm" in name)))
    with pytest.raises(UserError, match="cannot be loaded: get the folder again"):
        load_pipeline(mine)


def test_weights_of_a_text_encoder_that_are_not_finite_are_refused(mine: Path) -> None:
    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        tensors[next(name for name in tensors if "final_layer_norm" in name)].fill_(float("nan"))

    changed_weights(mine, spoil)
    with pytest.raises(UserError, match="cannot be loaded: get the folder again"):
        load_pipeline(mine)


@pytest.mark.parametrize("name", ["text_encoder/model.safetensors", "tokenizer/vocab.json", "text_encoder/config.json"])
@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff" * 64, b"version https://git-lfs", b"[" * 90_000])
def test_a_damaged_file_is_an_error_message(mine: Path, tmp_path: Path, name: str, content: bytes) -> None:
    (mine / name).write_bytes(content)
    with pytest.raises(UserError) as told:
        load_pipeline(mine)
    assert str(tmp_path) not in str(told.value)
