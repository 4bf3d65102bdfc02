import math

import pytest
import torch

from adjointdeis.guide.norm_prior import norm_prior, norm_prior_gradient
from tests.truth import normal, relative_error


def published(x):
    """r^2 / 2 - (d - 1) log r, as printed by ReNO and D-Flow."""
    r, d = x.flatten(1).norm(dim=1), x[0].numel()
    return r.square() / 2 - (d - 1) * r.log()


def test_it_is_the_published_regulariser_less_its_smallest_value():
    x = 1.7 * normal(4, 3, 5, 5)
    lowest = published((math.sqrt(74) * torch.nn.functional.normalize(x.flatten(1))).view_as(x))
    assert torch.allclose(norm_prior(x), published(x) - lowest, atol=1e-10)


def test_the_gradient_is_that_of_the_value():
    x = normal(2, 3, 4, 4).requires_grad_()
    (truth,) = torch.autograd.grad(norm_prior(x).sum(), x)
    assert relative_error(norm_prior_gradient(x.detach()), truth) < 1e-12
    assert torch.autograd.gradcheck(norm_prior, x)


@pytest.mark.parametrize("times", [0.3, 3.0])
def test_descending_ends_on_the_shell_of_radius_sqrt_d(times):
    x = times * normal(2, 3, 8, 8)
    for _ in range(400):
        x = x - 0.1 * norm_prior_gradient(x)
    assert x.flatten(1).norm(dim=1) == pytest.approx(math.sqrt(3 * 64 - 1), rel=1e-6)


def test_noise_lies_on_it_already_and_turning_is_free():
    x = normal(50, 3, 16, 16)
    assert norm_prior(x).mean() < 1  # the width of the shell, whatever d
    turned = x.flip(-1)
    assert torch.allclose(norm_prior(turned), norm_prior(x), atol=1e-9)
    along = torch.linalg.vecdot(norm_prior_gradient(x).flatten(1), x.flatten(1))
    assert torch.allclose(along.abs(), norm_prior_gradient(x).flatten(1).norm(dim=1) * x.flatten(1).norm(dim=1))


def test_float32_keeps_its_digits_in_many_dimensions():
    x = normal(1, 4, 128, 128, dtype=torch.float32)
    assert norm_prior(x) == pytest.approx(norm_prior(x.double()).item(), abs=2e-3)
