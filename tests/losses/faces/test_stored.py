import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from losses.faces.detector import Detector
from losses.faces.load import DEFAULT_FOLDER
from losses.faces.stored import Stored, as_float32, as_levels, fill, read_weights, save_weights


def test_a_quantised_value_is_scale_times_level_plus_lowest():
    stored = Stored(torch.tensor([0, 1, 255], dtype=torch.uint8), torch.tensor([0.5, -2.0], dtype=torch.float64))
    assert stored.decoded().tolist() == [-2, -1.5, 125.5]


def test_weights_are_rounded_once():
    scale, lowest = 0.00020040544662989823, -0.022245004575918704
    stored = Stored(torch.tensor([77], dtype=torch.uint8), torch.tensor([scale, lowest], dtype=torch.float64))
    assert stored.decoded().item() == torch.tensor(77 * scale + lowest, dtype=torch.float64).float().item()


def test_bytes_become_tensors():
    assert as_levels(b"\x00\x07\xff\x01", [2, 2]).tolist() == [[0, 7], [255, 1]]
    assert as_float32(b"\x00\x00\x80\x3f", [1]).tolist() == [1.0]


def test_saved_weights_are_loaded_again(tmp_path):
    span = torch.tensor([0.1, 0.0], dtype=torch.float64)
    save_weights(
        {"weight": Stored(torch.tensor([[3, 4]], dtype=torch.uint8), span), "bias": Stored(torch.tensor([0.25]))},
        {"origin": "here"},
        tmp_path,
    )
    found = read_weights(tmp_path)
    assert found["weight"].tolist() == [[pytest.approx(0.3), pytest.approx(0.4)]]
    linear = fill(torch.nn.Linear(2, 1), tmp_path)
    assert linear(torch.ones(1, 2)).item() == pytest.approx(0.95)
    assert not linear.weight.requires_grad


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff" * 64, b"version https://git-lfs", b"[" * 90_000])
def test_a_damaged_file_is_named(tmp_path, name, content):
    folder = tmp_path / "detector"
    shutil.copytree(DEFAULT_FOLDER / "detector", folder)
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^detector/{name} is damaged"):
        fill(Detector(), folder)


def test_levels_without_their_scale_are_no_numbers(tmp_path):
    folder = tmp_path / "detector"
    shutil.copytree(DEFAULT_FOLDER / "detector", folder)
    tensors = load_file(folder / "model.safetensors")
    del tensors[next(name for name in tensors if name.endswith(".range"))]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ValueError, match="damaged"):
        fill(Detector(), folder)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json is missing"):
        read_weights(tmp_path)
