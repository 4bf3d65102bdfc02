import numpy as np
import torch

from clay.networks.images import as_channels_first, flip_some, to_bytes, to_unit


def test_bytes_survive_the_trip_to_the_unit_range_and_back():
    pictures = np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3)
    assert np.array_equal(to_bytes(to_unit(as_channels_first(pictures))), pictures)


def test_the_unit_range_ends_at_minus_one_and_one():
    ends = to_unit(torch.tensor([0, 255], dtype=torch.uint8))
    assert ends.tolist() == [-1, 1]


def test_about_half_of_the_pictures_are_mirrored():
    image = torch.arange(8.0).expand(200, 3, 8, 8)
    flipped = flip_some(image, torch.Generator().manual_seed(0))
    mirrored = (flipped == image.flip(-1)).all(dim=(1, 2, 3))
    assert 70 < mirrored.sum() < 130
    assert (mirrored | (flipped == image).all(dim=(1, 2, 3))).all()
