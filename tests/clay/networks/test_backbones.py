import pytest
import torch
import torch.nn.functional as F

from clay.networks.backbones import KINDS, fold_of, load_enlarged
from clay.networks.identity import IdentityEmbedder


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_feature_maps_of_4_by_4(kind):
    assert KINDS[kind]((8, 8, 16, 24))(torch.zeros(2, 3, 64, 64)).shape == (2, 24, 4, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_for_larger_images_starts_as_that_of_their_means(kind):
    small, large = (
        IdentityEmbedder((8, 8, 16, 16), kind=kind).eval(),
        IdentityEmbedder((8, 8, 16, 16), kind=kind, size=128),
    )
    load_enlarged(large.eval(), small.state_dict())
    image = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    torch.testing.assert_close(large(image), small(F.avg_pool2d(image, 2)))


def test_sizes_are_multiples_of_64():
    assert fold_of(192) == 3
    for size in (0, 96):
        with pytest.raises(ValueError, match=f"multiple of 64, but is {size}"):
            fold_of(size)
