import pytest
import torch

from losses import Augmented, Closeness
from losses.augment import _warp


class Recorder:
    """Records its inputs."""

    name = "recorder"

    def __init__(self):
        self.images = []

    def __call__(self, image):
        self.images.append(image.detach())
        return image.mean(dim=(1, 2, 3))


def test_the_loss_is_the_mean_over_the_image_and_its_augmented_copies(images):
    recorder = Recorder()
    value = Augmented(recorder, views=3)(images)
    assert len(recorder.images) == 4
    assert torch.equal(recorder.images[0], images)
    assert all(0.01 < (view - images).abs().mean() < 1 for view in recorder.images[1:])
    assert (value - torch.stack([view.mean(dim=(1, 2, 3)) for view in recorder.images]).mean(0)).abs().max() < 1e-6


def test_it_is_a_fixed_function_of_the_image(images):
    loss = Augmented(Closeness(images[:1]))
    assert torch.equal(loss(images), loss(images))
    other = Augmented(Closeness(images[:1]), seed=1)
    assert not torch.equal(loss(images), other(images))


def test_without_views_it_equals_the_loss(images):
    assert torch.equal(Augmented(Closeness(images[:1]), views=0)(images), Closeness(images[:1])(images))
    with pytest.raises(ValueError, match="views must be at least 0"):
        Augmented(Closeness(images), views=-1)


def test_a_shift_moves_the_image():
    image = torch.zeros(1, 3, 9, 9)
    image[..., 4, 4] = 1
    moved = _warp(image, 1.0, [2 * 2 / 9, 0.0])
    assert moved[0, 0, 4, 2].item() == pytest.approx(1, abs=1e-4)
