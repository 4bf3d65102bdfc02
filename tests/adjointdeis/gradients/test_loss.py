import pytest
import torch

from adjointdeis.gradients.loss import loss_and_cotangent
from tests.truth import normal

IMAGE, TARGET = normal(2, 3, 4, 4), normal(2, 3, 4, 4, seed=1)


def half_squares(image):
    return 0.5 * (image - TARGET).square().flatten(1).sum(1)


@pytest.mark.parametrize("images", [2, 1])
def test_the_cotangent_is_the_gradient_of_the_sum(images):
    def loss_fn(image):
        each = 0.5 * (image - TARGET[:images]).square().flatten(1).sum(1)
        return each if images > 1 else each.sum()

    with torch.no_grad():
        loss, cotangent = loss_and_cotangent(loss_fn, IMAGE[:images])
    assert torch.equal(loss, loss_fn(IMAGE[:images]))
    assert torch.allclose(cotangent, (IMAGE - TARGET)[:images])
    assert not loss.requires_grad


def test_a_loss_of_the_wrong_shape_or_without_a_gradient_is_refused():
    with pytest.raises(ValueError, match=r"one value an image, shape \(2,\); got shape \(2, 3\)"):
        loss_and_cotangent(lambda image: image.sum((2, 3)), IMAGE)
    with pytest.raises(ValueError, match=r"no gradient with respect to the image.*without detach\(\) or no_grad\(\)"):
        loss_and_cotangent(lambda image: half_squares(image.detach()), IMAGE)
