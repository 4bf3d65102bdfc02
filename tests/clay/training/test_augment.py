import torch

from clay.training.augment import blur_some, cover_some, disturb, grain, pushed, relight, shift


def generator():
    return torch.Generator().manual_seed(0)


def test_the_same_seed_disturbs_in_the_same_way():
    image = torch.rand(4, 3, 64, 64)
    assert torch.equal(disturb(image, generator()), disturb(image, generator()))


def test_disturbed_pictures_are_still_like_themselves():
    image = torch.rand(32, 3, 1, 1).expand(-1, -1, 64, 64) * 2 - 1
    change = (disturb(image, generator()) - image).abs().mean()
    assert 0.02 < change < 0.3


def test_a_shift_moves_by_at_most_three_pixels():
    dot = torch.zeros(1, 1, 64, 64)
    dot[..., 32, 32] = 1
    for seed in range(8):
        moved = shift(dot, torch.Generator().manual_seed(seed))
        assert moved.shape == dot.shape
        row, column = divmod(int(moved.argmax()), 64)
        assert max(abs(row - 32), abs(column - 32)) <= 3


def test_flat_pictures_stay_flat_under_blur_and_change_of_light():
    flat = torch.full((4, 3, 16, 16), 0.5)
    assert torch.allclose(blur_some(flat, generator()), flat)
    assert relight(flat, generator()).std(dim=(1, 2, 3)).max() < 1e-6


def test_patches_and_grain_respect_their_odds_and_strength():
    image = torch.ones(100, 3, 64, 64)
    covered = (cover_some(image, generator(), odds=0.3) == 0).flatten(1).any(1)
    assert 15 < covered.sum() < 45
    assert (grain(image, generator(), most=0.2) - image).std(dim=(1, 2, 3)).max() < 0.21


def test_a_pushed_picture_is_moved_up_the_loss_and_no_further_than_allowed():
    image, slope = torch.zeros(200, 3, 8, 8), torch.randn(3, 8, 8, generator=generator())
    moved = pushed(image, lambda x: (x * slope).sum(), 3.0, generator())
    distance = moved.flatten(1).norm(dim=1)
    assert 0 <= distance.min() < 0.2
    assert 2.8 < distance.max() <= 3.0
    along = (moved * slope).flatten(1).sum(1) / slope.norm()
    torch.testing.assert_close(along, distance)
