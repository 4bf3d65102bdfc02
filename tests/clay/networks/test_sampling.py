import torch

from clay.networks.sampling import ddim, slerp, times
from clay.networks.scheduler import make_scheduler


def test_the_grid_runs_from_the_last_training_time_to_the_first():
    grid = times(10)
    assert grid[0] == 999
    assert grid[-1] == 0
    assert (grid[:-1] > grid[1:]).all()


def test_slerp_keeps_the_ends_and_the_length():
    a, b = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    middle = slerp(a, b, torch.tensor([0.0, 0.5, 1.0]))
    assert torch.allclose(middle[0], a, atol=1e-4)
    assert torch.allclose(middle[2], b, atol=1e-4)
    assert abs(middle[1].norm() / a.norm() - 1) < 0.02


def test_sampling_inverts_the_inversion_if_the_noise_is_constant():
    """With eps constant in x, a first-order step is exact in either direction."""

    class Constant(torch.nn.Module):
        alphas_cumprod = make_scheduler().alphas_cumprod.double()

        def forward(self, t, x_t, z):
            return torch.full_like(x_t, 0.3)

    image, grid = torch.rand(1, 3, 8, 8, dtype=torch.float64), times(12)
    noisy = ddim(Constant(), image, None, grid.flip(0))
    assert (noisy - image).abs().max() > 0.1
    assert (ddim(Constant(), noisy, None, grid) - image).abs().max() < 1e-9
