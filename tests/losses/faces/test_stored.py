import pytest
import torch

from losses.faces.stored import Stored, as_float32, as_levels, fill, read_weights, save_weights


def test_a_level_is_a_step_above_the_lowest():
    stored = Stored(torch.tensor([0, 1, 255], dtype=torch.uint8), torch.tensor([0.5, -2.0], dtype=torch.float64))
    assert stored.decoded().tolist() == [-2, -1.5, 125.5]


def test_numbers_are_rounded_once():
    scale, lowest = 0.00020040544662989823, -0.022245004575918704
    stored = Stored(torch.tensor([77], dtype=torch.uint8), torch.tensor([scale, lowest], dtype=torch.float64))
    assert stored.decoded().item() == torch.tensor(77 * scale + lowest, dtype=torch.float64).float().item()


def test_bytes_become_tensors():
    assert as_levels(b"\x00\x07\xff\x01", [2, 2]).tolist() == [[0, 7], [255, 1]]
    assert as_float32(b"\x00\x00\x80\x3f", [1]).tolist() == [1.0]


def test_what_is_saved_is_read(tmp_path):
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


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json is missing"):
        read_weights(tmp_path)
