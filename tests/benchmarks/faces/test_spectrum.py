import pytest
import torch

from benchmarks.faces.spectrum import AXES, POWER, Spectrum, scheduler

SIDE = 8


def covariance(power):
    """Covariance of images with a power spectrum: the circulant matrix of its inverse transform."""
    eye = torch.eye(SIDE * SIDE).view(-1, SIDE, SIDE)
    return torch.fft.irfft2(power * torch.fft.rfft2(eye), s=(SIDE, SIDE)).flatten(1)


def test_the_denoiser_is_exact_for_a_gaussian():
    network, t = Spectrum(SIDE), torch.tensor([400])
    signal = scheduler().alphas_cumprod[400]
    x = torch.randn((1, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    # of all three channels: sum_k a_k a_k^T C_k
    whole = sum(torch.kron(torch.outer(a, a), covariance(one)) for a, one in zip(AXES, network.power, strict=True))
    noisy = signal * whole + (1 - signal) * torch.eye(3 * SIDE * SIDE)
    # the mean of the noise given the sum: sigma (alpha^2 C + sigma^2)^-1 x
    expected = (1 - signal).sqrt() * torch.linalg.solve(noisy, x.flatten())
    assert torch.allclose(network(t, x, None).flatten(), expected, atol=1e-5)


def test_images_are_smooth_with_little_colour():
    power = Spectrum(SIDE).power
    assert (power[:, 0, 0] > power[:, 0, 1]).all()
    assert (power[:, 0, 1] > power[:, 0, 4]).all()
    assert power.mean(dim=(1, 2)).tolist() == pytest.approx(POWER)
