"""The configurations have the published numbers of parameters."""

import pytest
import torch

from studio.models.placement.configs import CONFIGS
from studio.models.placement.estimate import build_network

pytestmark = pytest.mark.slow

# in millions, as their papers and cards give them
DENOISERS = {"ddpm-celebahq": 113.7, "ldm-celebahq": 274.1, "sd-1.5": 859.5, "sd-turbo": 865.9, "sana-600m": 591.7}
AUTOENCODERS = {"ldm-celebahq": 55.3, "sd-1.5": 83.65, "sana-600m": 312.3}


@pytest.mark.parametrize(
    ("name", "part", "millions"),
    [*((name, "denoiser", n) for name, n in DENOISERS.items()), *((n, "vae", m) for n, m in AUTOENCODERS.items())],
)
def test_a_configuration_has_the_published_size(name: str, part: str, millions: float) -> None:
    with torch.device("meta"):
        network = build_network(CONFIGS[name][part])
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.06)
