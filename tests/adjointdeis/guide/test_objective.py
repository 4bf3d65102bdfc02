import pytest
import torch

from adjointdeis.guide.objective import Objective
from tests.truth import normal

IMAGE = normal(3, 2, 4)


def size(image):
    return image.square().flatten(1).sum(1)


def mean(image):
    return image.flatten(1).mean(1)


def test_several_losses_are_their_weighted_sum_and_each_is_kept():
    objective = Objective({"size": (0.5, size), "mean": (-2, mean)})
    assert torch.equal(objective(IMAGE), 0.5 * size(IMAGE) - 2 * mean(IMAGE))
    assert list(objective.terms) == ["size", "mean"]
    assert torch.equal(objective.terms["mean"], mean(IMAGE))
    assert not objective.terms["size"].requires_grad


def test_a_single_loss_is_itself():
    objective = Objective(size)
    assert torch.equal(objective(IMAGE), size(IMAGE))
    assert objective.terms == {}


def test_the_terms_keep_no_graph_while_the_sum_keeps_its_own():
    image = IMAGE.clone().requires_grad_()
    objective = Objective({"size": (3.0, size)})
    (grad,) = torch.autograd.grad(objective(image).sum(), image)
    assert torch.allclose(grad, 6 * IMAGE)
    assert objective.terms["size"].grad_fn is None


def test_losses_that_cannot_be_added_are_refused():
    with pytest.raises(ValueError, match="the losses are empty"):
        Objective({})
    with pytest.raises(ValueError, match="weight of a loss must be finite; got nan for size"):
        Objective({"size": (float("nan"), size)})
    with pytest.raises(ValueError, match=r"one value an image, or all a single value; got .*'sum': \(\)"):
        Objective({"size": (1, size), "sum": (1, lambda image: image.sum())})(IMAGE)
