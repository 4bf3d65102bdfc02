"""The configurations have the published numbers of parameters."""

import pytest

from studio.models.catalogue.registry import ENTRIES
from studio.models.placement.configs import CONFIGS
from studio.models.placement.estimate import parameters

pytestmark = pytest.mark.slow

# in millions, as their papers and cards give them
AUTOENCODERS = {"ldm-celebahq": 55.3, "sd-1.5": 83.65, "sana-600m": 312.3, "wan-2.2": 704.7}


def test_every_denoiser_has_the_size_of_its_entry() -> None:
    # diffusers stores DiT's embeddings of the classes once a block
    for name in set(CONFIGS) - {"dit-imagenet"}:
        assert parameters(CONFIGS[name]["denoiser"]) / 1e6 == pytest.approx(ENTRIES[name].parameters, abs=0.6), name


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_an_autoencoder_has_the_published_size(name: str) -> None:
    assert parameters(CONFIGS[name]["vae"]) / 1e6 == pytest.approx(AUTOENCODERS[name], abs=0.06)
