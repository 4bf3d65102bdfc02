import pytest
import torch

from losses import CodeChoice

WEIGHT, BIAS = torch.randn(4, 12, generator=torch.Generator().manual_seed(0)), torch.tensor([0.1, 0.0, -0.2, 0.3])


def test_is_the_surprise_of_the_linear_classifier(embedder, images):
    logits = embedder.eval()(images) @ WEIGHT.T + BIAS
    choice = CodeChoice(embedder, WEIGHT, BIAS, 2, 0.0)
    assert choice(images).tolist() == pytest.approx((-logits.log_softmax(1)[:, 2]).tolist(), abs=1e-5)


def test_a_satisfied_image_has_no_loss_and_no_gradient(embedder, images):
    x = images.clone().requires_grad_()
    loss = CodeChoice(embedder, WEIGHT, BIAS, 2, 1e3)(x)
    loss.sum().backward()
    assert loss.tolist() == [0, 0, 0]
    assert x.grad.abs().max() == 0


def test_the_gradient_through_the_encoder_is_the_slope(embedder, images):
    choice = CodeChoice(embedder.double(), WEIGHT.double(), BIAS.double(), [0, 1], 0.0)
    assert torch.autograd.gradcheck(choice, images[:2, :, :6, :6].double().requires_grad_())
    assert not any(p.requires_grad for p in embedder.parameters())
