import pytest
import torch

from losses import Strangeness


def smooth(image):
    """A reconstruction that depends on the image: half of it, with a spread of its own."""
    return 0.5 * image, 0.1 + 0.05 * image[:, :1].square()


def test_the_score_is_the_normalised_reconstruction_error(images):
    mean, spread = smooth(images)
    expected = ((images - mean) / spread).square().mean(dim=(1, 2, 3)).sqrt()
    assert Strangeness(smooth).score(images).tolist() == pytest.approx(expected.tolist(), rel=1e-5)
    assert Strangeness(smooth, 1.5)(images).tolist() == pytest.approx((expected - 1.5).tolist(), rel=1e-4)


def test_an_image_below_the_limit_has_no_loss_and_a_gradient_of_zero(images):
    def exact(image):
        return image.detach(), torch.ones_like(image)

    x = images.clone().requires_grad_()
    loss = Strangeness(exact)(x)
    loss.sum().backward()
    assert loss.tolist() == [0, 0, 0]
    assert x.grad.abs().max() == 0


def test_the_gradient_through_the_reconstruction_is_the_slope(images):
    assert torch.autograd.gradcheck(Strangeness(smooth), images[:2, :, :5, :5].double().requires_grad_())


def test_a_negative_limit_is_refused():
    with pytest.raises(ValueError, match="at least 0; got -1"):
        Strangeness(smooth, -1)
