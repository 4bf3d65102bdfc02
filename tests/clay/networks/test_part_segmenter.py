import pytest
import torch

from clay.networks.part_segmenter import PartSegmenter
from clay.people.parts import PARTS


@pytest.fixture(scope="module")
def segmenter():
    torch.manual_seed(0)
    return PartSegmenter((8, 16, 16)).eval()


@pytest.mark.parametrize("side", [64, 128])
def test_every_pixel_has_one_probability_for_each_part(segmenter, side):
    found = segmenter.probabilities(torch.rand(2, 3, side, side) * 2 - 1)
    assert tuple(found) == PARTS
    assert all(p.shape == (2, 1, side, side) for p in found.values())
    torch.testing.assert_close(sum(found.values()), torch.ones(2, 1, side, side))


def test_a_round_trip_over_disk_keeps_the_probabilities(segmenter, tmp_path):
    segmenter.save_folder(tmp_path)
    loaded = PartSegmenter.from_folder(tmp_path, "cpu", torch.float32)
    image = torch.rand(1, 3, 64, 64)
    for name, p in segmenter.probabilities(image).items():
        assert (loaded.probabilities(image)[name] - p).abs().max() < 1e-2
