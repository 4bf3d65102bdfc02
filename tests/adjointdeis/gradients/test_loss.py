import pytest
import torch

from adjointdeis.gradients.loss import loss_and_cotangent
from tests.truth import normal

IMAGE, TARGET = normal(2, 3, 4, 4), normal(2, 3, 4, 4, seed=1)


def half_squares(image):
    return 0.5 * (image - TARGET).square().flatten(1).sum(1)


@pytest.mark.parametrize("loss_fn", [half_squares, lambda image: half_squares(image).sum()], ids=["each", "sum"])
def test_the_cotangent_is_the_gradient_of_the_sum(loss_fn):
    with torch.no_grad():
        loss, cotangent = loss_and_cotangent(loss_fn, IMAGE)
    assert torch.equal(loss, loss_fn(IMAGE))
    assert torch.allclose(cotangent, IMAGE - TARGET)
    assert not loss.requires_grad


def test_a_loss_of_the_wrong_shape_or_without_a_gradient_is_refused():
    with pytest.raises(ValueError, match=r"one value an image, shape \(2,\), or a single value; got shape \(2, 3\)"):
        loss_and_cotangent(lambda image: image.sum((2, 3)), IMAGE)
    with pytest.raises(ValueError, match=r"no gradient with respect to the image.*without detach\(\) or no_grad\(\)"):
        loss_and_cotangent(lambda image: half_squares(image.detach()), IMAGE)
