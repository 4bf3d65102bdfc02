import numpy as np
import pytest
import torch

from clay.networks.images import as_channels_first, fit_input, to_bytes, to_unit


def test_bytes_are_unchanged_by_conversion_to_the_unit_range_and_back():
    pictures = np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3)
    assert np.array_equal(to_bytes(to_unit(as_channels_first(pictures))), pictures)


def test_the_unit_range_ends_at_minus_one_and_one():
    ends = to_unit(torch.tensor([0, 255], dtype=torch.uint8))
    assert ends.tolist() == [-1, 1]


def test_images_of_one_channel_are_refused():
    with pytest.raises(ValueError, match=r"image must have shape \(b, 3, h, w\), but has \(1, 1, 64, 64\)"):
        fit_input(torch.zeros(1, 1, 64, 64), 64)
