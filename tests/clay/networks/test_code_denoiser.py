import pytest
import torch
from torch import nn

from clay.networks.code_denoiser import SIGMA, CodeDenoiser


def seeded(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def denoiser():
    torch.manual_seed(0)
    network = CodeDenoiser(8, 16, 1)
    network.mean.copy_(seeded(8, seed=1))
    network.root.copy_(torch.eye(8) + 0.1 * seeded(8, 8, seed=2))
    return network.eval()


def test_without_a_network_it_is_the_mean_of_normally_distributed_codes(denoiser):
    """For z' ~ N(mu, P^T P) the mean of z' given z = z' + SIGMA P n is mu + (z - mu) / (1 + SIGMA^2)."""
    nn.init.zeros_(denoiser.last.weight)
    nn.init.zeros_(denoiser.last.bias)
    z = seeded(5, 8, seed=3)
    torch.testing.assert_close(denoiser(z), denoiser.mean + (z - denoiser.mean) / (1 + SIGMA**2))


def test_codes_are_whitened_by_the_root(denoiser):
    u = seeded(4, 8, seed=4)
    torch.testing.assert_close(denoiser.whitened(u @ denoiser.root + denoiser.mean), u, atol=1e-5, rtol=1e-5)


def test_what_is_saved_comes_back_in_half_precision_and_frozen(denoiser, tmp_path):
    denoiser.save_folder(tmp_path)
    again = CodeDenoiser.from_folder(tmp_path, "cpu", torch.float32)
    z = seeded(3, 8, seed=5)
    assert (again(z) - denoiser(z)).abs().max() < 1e-2
    assert not again.training
    assert not any(p.requires_grad for p in again.parameters())


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no code denoiser"):
        CodeDenoiser.from_folder(tmp_path, "cpu", torch.float32)
