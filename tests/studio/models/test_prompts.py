import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.core.errors import UserError
from studio.models.prompts import MAX_GEMMA_TOKENS, encode_prompts

transformers = pytest.importorskip("transformers")
CPU = torch.device("cpu")
TinyCopy = Callable[[str], Path]


def test_padding_of_clip_is_part_of_z(tiny_copy: TinyCopy) -> None:
    long, short = encode_prompts(tiny_copy("sd-1.5"), ("a photo of a face", "a"), CPU)
    assert long.shape == short.shape == (1, 77, 12)
    assert not torch.equal(long, short)
    assert short[0, 5:].abs().min() > 0


def test_z_equals_the_output_of_transformers(tiny_copy: TinyCopy) -> None:
    folder = tiny_copy("sd-1.5")
    encoder = transformers.CLIPTextModel.from_pretrained(folder / "text_encoder")
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer")
    ids = tokenizer("a face", padding="max_length", max_length=77, return_tensors="pt").input_ids
    assert len(set(ids[0].tolist())) > 3
    with torch.no_grad():
        expected = encoder(ids).last_hidden_state
    torch.testing.assert_close(encode_prompts(folder, ("a face",), CPU)[0], expected)


def test_padding_of_gemma_is_zero(tiny_copy: TinyCopy) -> None:
    z, other = encode_prompts(tiny_copy("sana-600m"), ("Ab c ", "xyz"), CPU)
    assert z.shape == (1, MAX_GEMMA_TOKENS, 12)
    kept = (z != 0).any(-1)[0]
    assert kept[:5].all()  # the beginning, "a", "b", " ", "c"
    assert not kept[5:].any()
    assert not torch.equal(z, other)


def test_a_folder_without_text_encoder_is_refused(tiny_copy: TinyCopy) -> None:
    with pytest.raises(UserError, match="has no text encoder"):
        encode_prompts(tiny_copy("ldm-celebahq"), ("a",), CPU)


def damaged(tiny_copy: TinyCopy, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    """A tiny copy whose text encoder's weights were changed."""
    folder = tmp_path / "mine"
    shutil.copytree(tiny_copy("sd-1.5"), folder)
    path = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})
    return folder


def test_missing_weights_are_refused(tiny_copy: TinyCopy, tmp_path: Path) -> None:
    def drop(tensors: dict[str, torch.Tensor]) -> None:
        del tensors[next(name for name in tensors if "final_layer_norm" in name)]

    with pytest.raises(UserError, match="cannot be loaded: get the folder again"):
        encode_prompts(damaged(tiny_copy, tmp_path, drop), ("a",), CPU)


def test_weights_that_are_not_finite_are_refused(tiny_copy: TinyCopy, tmp_path: Path) -> None:
    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        tensors[next(name for name in tensors if "final_layer_norm" in name)].fill_(float("nan"))

    with pytest.raises(UserError, match="cannot be loaded: get the folder again"):
        encode_prompts(damaged(tiny_copy, tmp_path, spoil), ("a",), CPU)


@pytest.mark.parametrize("name", ["text_encoder/model.safetensors", "tokenizer/vocab.json", "text_encoder/config.json"])
@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff" * 64, b"version https://git-lfs", b"[" * 90_000])
def test_a_damaged_file_is_an_error_message(tiny_copy: TinyCopy, tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(tiny_copy("sd-1.5"), folder)
    (folder / name).write_bytes(content)
    with pytest.raises(UserError) as told:
        encode_prompts(folder, ("a",), CPU)
    assert str(tmp_path) not in str(told.value)
