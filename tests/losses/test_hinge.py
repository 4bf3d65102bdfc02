import pytest
import torch

from losses import Hinge, Identity, Morph, MorphHinge, acceptance_level


def test_the_level_is_the_distance_at_the_threshold_with_its_margin():
    assert acceptance_level(0.6, 0.1) == pytest.approx(0.3)
    assert acceptance_level(0.95, 0.1) == 0
    with pytest.raises(ValueError, match="margin is at least 0"):
        acceptance_level(0.6, -0.1)


def test_a_hinge_is_what_is_left_above_the_level(embedder, images):
    loss = Identity(embedder, images[:1])
    hinge = Hinge(loss, 0.2)
    assert hinge.name == "identity"
    assert hinge(images).tolist() == pytest.approx((loss(images) - 0.2).clamp(min=0).tolist(), abs=1e-6)


def test_a_morph_hinge_is_equation_5_1_of_what_is_left(embedder, images):
    morph = Morph(embedder, images[:1], images[1:2])
    assert MorphHinge(morph, 0.0)(images).tolist() == pytest.approx(morph(images).tolist(), abs=1e-5)
    a, b = ((d - 0.3).clamp(min=0) for d in morph.distances(images))
    assert MorphHinge(morph, 0.3)(images).tolist() == pytest.approx((2 * torch.maximum(a, b)).tolist(), abs=1e-5)


@pytest.mark.parametrize(("level", "seen"), [(2.0, slice(3)), (0.1, slice(1))])
def test_a_satisfied_image_has_no_gradient(embedder, images, level, seen):
    x = images[seen].clone().requires_grad_()
    morph = MorphHinge(Morph(embedder, images[:1], images[:1]), level)(x)
    (morph + Hinge(Identity(embedder, images[:1]), level)(x)).sum().backward()
    assert x.grad.abs().max() == 0


def test_the_gradient_is_the_slope(embedder, images):
    x = images[:, :, :6, :6].double()
    loss = Hinge(Identity(embedder.double(), x[:1]), 0.2)
    assert torch.autograd.gradcheck(loss, x[1:].clone().requires_grad_())
