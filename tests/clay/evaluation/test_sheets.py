import numpy as np
import pytest
import torch

from clay.evaluation.sheets import samples, tile


def test_images_are_tiled_row_by_row():
    pictures = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    sheet = np.asarray(tile(pictures, columns=3))
    assert sheet.shape == (8, 12, 3)
    assert sheet[::4, ::4, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.slow
def test_the_sample_sheet_starts_with_the_images_themselves(autoencoder, monkeypatch):
    monkeypatch.setattr("clay.evaluation.sheets._STEPS", 2)
    image = torch.zeros(8, 3, 64, 64)
    sheet = np.asarray(samples(autoencoder, image))
    assert sheet.shape == (6 * 128, 8 * 128, 3)
    assert (sheet[:120] == 128).all()
