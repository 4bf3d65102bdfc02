import pytest
import torch

from clay.attributes import ATTRIBUTES, HIDDEN
from clay.evaluate import in_batches, measure_autoencoder, measure_classes, psnr
from clay.pictures import to_unit


def test_psnr_of_a_constant_error_is_the_formula():
    image = torch.zeros(2, 3, 8, 8)
    assert psnr(image + 0.2, image) == pytest.approx(20.0, abs=1e-3)


def test_accuracy_leaves_out_what_cannot_be_seen():
    truth = torch.zeros(4, len(ATTRIBUTES), dtype=torch.long)
    truth[:, 0] = torch.tensor([0, 1, 1, HIDDEN])
    predicted = {name: torch.tensor([0, 1, 0, 0]) for name in ATTRIBUTES}
    measured = measure_classes(predicted, truth)["hair_colour"]
    assert measured["accuracy"] == pytest.approx(2 / 3)
    assert measured["commonest"] == pytest.approx(2 / 3)


def test_batching_changes_nothing():
    pictures = torch.randint(256, (230, 3, 2, 2), dtype=torch.uint8)
    assert torch.equal(in_batches(lambda image: image.mean((1, 2)), pictures), to_unit(pictures).mean((1, 2)))


def test_the_autoencoder_is_measured_in_decibels(autoencoder, monkeypatch):
    monkeypatch.setattr("clay.evaluate._STEPS", 2)
    measures = measure_autoencoder(autoencoder, torch.full((2, 3, 64, 64), 128, dtype=torch.uint8))
    assert measures["pictures"] == 2
    assert all(value > 0 for value in measures.values())
