import numpy as np
import pytest
import torch
import torch.nn.functional as F

from clay.networks.images import as_channels_first, fit_input, halved, to_bytes, to_unit


def test_bytes_are_unchanged_by_conversion_to_the_unit_range_and_back():
    pictures = np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3)
    assert np.array_equal(to_bytes(to_unit(as_channels_first(pictures))), pictures)


def test_the_unit_range_ends_at_minus_one_and_one():
    ends = to_unit(torch.tensor([0, 255], dtype=torch.uint8))
    assert ends.tolist() == [-1, 1]


def test_images_of_one_channel_are_refused():
    with pytest.raises(ValueError, match=r"image must have shape \(b, 3, h, w\), but has \(1, 1, 64, 64\)"):
        fit_input(torch.zeros(1, 1, 64, 64), 64)


def test_half_of_a_batch_of_large_images_keeps_no_detail_finer_than_64_pixels():
    image = torch.rand(4, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    result = halved(image)
    assert torch.equal(result[2:], image[2:])
    detail = [(x - F.avg_pool2d(x, 3, 1, 1)).std() for x in (result[:2], image[:2])]
    assert detail[0] < detail[1] / 2
    small = image[..., :64, :64]
    assert halved(small) is small
