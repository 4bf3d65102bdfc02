import pytest
import torch

from clay.networks.backbones import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_feature_maps_of_4_by_4(kind):
    assert KINDS[kind]((8, 8, 16, 24))(torch.zeros(2, 3, 64, 64)).shape == (2, 24, 4, 4)
