import torch

from clay.training.augment import add_noise, adversarial, augment, blur, cover, flip_randomly, relight, shift


def generator():
    return torch.Generator().manual_seed(0)


def test_the_same_seed_gives_the_same_augmentation():
    image = torch.rand(4, 3, 64, 64)
    assert torch.equal(augment(image, generator()), augment(image, generator()))


def test_augmented_images_are_similar_to_the_originals():
    image = torch.rand(32, 3, 1, 1).expand(-1, -1, 64, 64) * 2 - 1
    change = (augment(image, generator()) - image).abs().mean()
    assert 0.02 < change < 0.3


def test_a_shift_moves_by_at_most_three_pixels():
    dot = torch.zeros(1, 1, 64, 64)
    dot[..., 32, 32] = 1
    for seed in range(8):
        moved = shift(dot, torch.Generator().manual_seed(seed))
        assert moved.shape == dot.shape
        row, column = divmod(int(moved.argmax()), 64)
        assert max(abs(row - 32), abs(column - 32)) <= 3


def test_constant_images_stay_constant_under_blur_and_relighting():
    flat = torch.full((4, 3, 16, 16), 0.5)
    assert torch.allclose(blur(flat, generator()), flat)
    assert relight(flat, generator()).std(dim=(1, 2, 3)).max() < 1e-6


def test_patches_have_the_stated_probability_and_noise_the_stated_strength():
    image = torch.ones(100, 3, 64, 64)
    covered = (cover(image, generator(), probability=0.3) == 0).flatten(1).any(1)
    assert 15 < covered.sum() < 45
    assert (add_noise(image, generator(), most=0.2) - image).std(dim=(1, 2, 3)).max() < 0.21


def test_an_adversarial_step_increases_the_loss_and_stays_within_its_radius():
    image, slope = torch.zeros(200, 3, 8, 8), torch.randn(3, 8, 8, generator=generator())
    moved = adversarial(image, lambda x: (x * slope).sum(), 3.0, generator())
    distance = moved.flatten(1).norm(dim=1)
    assert 0 <= distance.min() < 0.2
    assert 2.8 < distance.max() <= 3.0
    along = (moved * slope).flatten(1).sum(1) / slope.norm()
    torch.testing.assert_close(along, distance)


def test_about_half_of_the_images_are_mirrored():
    image = torch.arange(8.0).expand(200, 3, 8, 8)
    flipped = flip_randomly(image, torch.Generator().manual_seed(0))
    mirrored = (flipped == image.flip(-1)).all(dim=(1, 2, 3))
    assert 70 < mirrored.sum() < 130
    assert (mirrored | (flipped == image).all(dim=(1, 2, 3))).all()
