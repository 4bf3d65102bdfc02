import torch

from clay.sampling import slerp, times, walk


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


def test_inverting_and_sampling_returns_close_to_the_start(autoencoder):
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.5
    z, grid = autoencoder.encode(image), times(20)
    back = walk(autoencoder, walk(autoencoder, image, z, grid.flip(0)), z, grid)
    assert (back - image).square().mean() < 0.1 * image.square().mean()
